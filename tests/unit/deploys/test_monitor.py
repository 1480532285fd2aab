"""What the monitor is told, without a host: targets, tunnels' addresses, Prometheus's configuration, the password."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bcrypt
import pytest
import yaml
from pyinfra.api.exceptions import DeployError

from deploys.kit.facts import EXPORTERS
from deploys.kit.kept import Kept
from deploys.kit.places import DEPLOYS, TEMPLATES
from deploys.watch import exporters, jmx, monitor_page, prometheus, tunnels
from deploys.watch import scraped as targets
from deploys.watch.scraped import Monitored
from tests.support.real_prometheus import program

WEB = Monitored("web1", ["checkbox"], {"checkbox": "http://203.0.113.10/api/study/listing"})
CLINIC = Monitored("clinic", ["itrust"], {"itrust": "http://203.0.113.12:8080/iTrust2/login"})
ALERTS = DEPLOYS / "alerts"


def read(hosts: list[Monitored]) -> dict[str, list[dict[str, Any]]]:
    return {job: json.loads(text) for job, text in targets.targets(hosts, "monitor").items()}


def test_every_series_tells_its_host_and_its_application() -> None:
    found = read([WEB, CLINIC])
    assert set(found) == set(targets.JOBS)
    assert [t["labels"] for t in found["mongodb"]] == [
        {"host": "web1", "app": "checkbox", "instance": "web1:9216"}
    ]
    assert {(t["labels"]["host"], t["labels"]["app"]) for t in found["node"]} == {
        ("web1", "checkbox"),
        ("clinic", "itrust"),
        ("monitor", "monitor"),
    }
    assert [t["targets"] for t in found["jmx"]] == [
        [f"{targets.loopback('clinic')}:{port}"] for port in targets.JVM_PORTS
    ]
    assert found["probe"][0]["targets"] == ["http://203.0.113.10/api/study/listing"]


def test_a_host_keeps_its_address_on_the_monitor_whoever_comes_and_goes() -> None:
    alone, among = read([CLINIC])["node"][0], read([WEB, CLINIC])["node"][1]
    assert alone == among
    addresses = {targets.loopback(f"web{number}") for number in range(500)}
    assert len(addresses) == 500
    assert all(address.startswith("127.") and not address.startswith("127.0.") for address in addresses)


def test_a_host_with_both_applications_is_asked_for_each() -> None:
    both = Monitored("one", ["checkbox", "itrust"], {"checkbox": "http://one/", "itrust": "http://one:8080/"})
    assert [t["labels"]["app"] for t in read([both])["node"]] == ["checkbox", "itrust", "monitor"]
    assert targets.ports_of(both) == [9100, 9256, 3903, 9113, 9216, 9104, 18081, 18082]


def test_a_database_elsewhere_is_not_asked() -> None:
    elsewhere = Monitored("web1", ["checkbox"], {"checkbox": "http://web1/"}, frozenset(["mongodb"]))
    assert read([elsewhere])["mongodb"] == []
    assert 9216 not in targets.ports_of(elsewhere)


def test_the_canarys_proxy_is_asked_for_haproxys_figures_where_haproxy_gives_them_and_for_no_page() -> None:
    proxy = Monitored("gate", ["proxy"], {})
    found = read([WEB, proxy])
    assert [(t["labels"]["host"], t["labels"]["app"]) for t in found["haproxy"]] == [("gate", "proxy")]
    assert [t["labels"]["host"] for t in found["probe"]] == ["web1"]
    assert targets.ports_of(proxy) == [9100, 9256, 8405]
    template = (TEMPLATES / "haproxy.cfg.j2").read_text()
    assert f"    bind 127.0.0.1:{EXPORTERS['haproxy']}\n" in template
    assert targets.targets([WEB], "monitor")["haproxy"] == "[]\n"


@pytest.mark.parametrize("name", ["a b", "-oProxyCommand=x", "web/1", "web%i", "", "x" * 64, "@vagrant/web"])
def test_a_name_that_could_mean_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(targets.TargetsError, match="needs a name of"):
        targets.targets([Monitored(name, ["checkbox"], {"checkbox": "http://x/"})], "monitor")


def test_the_tunnel_forwards_what_the_hosts_key_permits_and_no_more() -> None:
    text = tunnels.configuration(WEB, ("203.0.113.10", 2222))
    place = targets.loopback("web1")
    forwards = [line for line in text.splitlines() if line.startswith("LocalForward")]
    assert forwards == [f"LocalForward {place}:{p} 127.0.0.1:{p}" for p in targets.ports_of(WEB)]
    for line in ("HostName 203.0.113.10", "Port 2222", "User exporters", "StrictHostKeyChecking yes"):
        assert line in text.splitlines()


@pytest.mark.parametrize("address", ["a b", "x\nProxyCommand y", "-v", "$(id)"])
def test_an_address_that_ssh_would_read_otherwise_is_refused(address: str) -> None:
    with pytest.raises(DeployError, match="no address"):
        tunnels.plain(address)


def test_prometheus_asks_each_job_and_says_who_is_watched_in_its_files() -> None:
    told = yaml.safe_load(prometheus.configuration(read([WEB]), 5))
    assert told["global"]["scrape_interval"] == "5s"
    jobs = {job["job_name"]: job for job in told["scrape_configs"]}
    assert set(jobs) == {*targets.JOBS, "prometheus", "alertmanager"}
    assert jobs["node"]["file_sd_configs"] == [{"files": ["/etc/prometheus/targets/node.json"]}]


def test_alerts_go_no_further_than_the_page_unless_there_is_an_address() -> None:
    assert yaml.safe_load(prometheus.receiver(""))["receivers"] == [{"name": "page"}]
    (there,) = yaml.safe_load(prometheus.receiver("https://example.org/hook?a=b"))["receivers"]
    assert there["webhook_configs"] == [{"url": "https://example.org/hook?a=b"}]
    for bad in ("hook.test", "file:///etc/passwd", "https://x/ y", "https:///x"):
        with pytest.raises(DeployError, match="alert_webhook") as caught:
            prometheus.receiver(bad)
        assert bad not in str(caught.value)


def test_every_alert_waits_a_little_says_what_is_wrong_and_what_to_do_and_is_tested() -> None:
    rules = [r for g in yaml.safe_load((ALERTS / "rules.yml").read_text())["groups"] for r in g["rules"]]
    tests = yaml.safe_load((ALERTS / "tests.yml").read_text())["tests"]
    fired = {c["alertname"] for t in tests for c in t["alert_rule_test"] if c["exp_alerts"]}
    silent = {c["alertname"] for t in tests for c in t["alert_rule_test"] if not c["exp_alerts"]}
    for rule in rules:
        assert rule["for"]
        assert rule["annotations"].keys() == {"summary", "hint"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["alert"] in fired & silent, f"{rule['alert']} is not shown to fire, and not to fire"


def test_the_alerts_fire_when_they_should() -> None:
    done = subprocess.run(
        [program("promtool"), "test", "rules", "tests.yml"],
        cwd=ALERTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_exporter_listens_but_on_loopback() -> None:
    what = Kept()
    exporters.keep_host(what)
    for app in ("checkbox", "itrust"):
        _, more = exporters.described(app)
        what.files |= more.files
    texts = [file["text"] for path, file in what.files.items() if path.startswith("/etc/default/")]
    assert len(texts) == 5
    for text in texts:
        assert "listen-address=127.0.0.1:" in text or "HOST=127.0.0.1\n" in text
    assert all(
        option.startswith("-javaagent:/srv/itrust/jmx/") and f"=127.0.0.1:{port + 10000}:" in option
        for port, option in ((p, jmx.option(p)) for p in (8081, 8082))
    )


def test_the_password_is_kept_as_bcrypt_alike_each_time_and_on_no_two_hosts_alike() -> None:
    line = monitor_page.htpasswd("hunter2", "monitor")
    user, _, kept = line.strip().partition(":")
    assert user == "pipeline"
    assert bcrypt.checkpw(b"hunter2", kept.encode())
    assert line == monitor_page.htpasswd("hunter2", "monitor") != monitor_page.htpasswd("hunter2", "other")
    with pytest.raises(DeployError, match="72 bytes"):
        monitor_page.htpasswd("x" * 73, "monitor")


def test_the_page_is_packed_alike_each_time_and_without_anything_of_this_machine(tmp_path: Path) -> None:
    source = tmp_path / "dashboard"
    (source / "site").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "site/index.html"):
        (source / name).write_text("{}")
    first, digest = monitor_page.dashboard_archive(source, tmp_path / "cache")
    (source / "site" / "index.html").touch()
    assert monitor_page.dashboard_archive(source, tmp_path / "cache") == (first, digest)
    (source / "site" / "index.html").write_text("<p>new</p>")
    assert monitor_page.dashboard_archive(source, tmp_path / "cache")[1] != digest


def test_what_mongodb_tells_is_what_prometheus_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    # The host's pymongo, which is not a package of this project; nothing of it is asked here.
    monkeypatch.setitem(sys.modules, "pymongo", SimpleNamespace(MongoClient=None))
    monkeypatch.setitem(sys.modules, "pymongo.errors", SimpleNamespace(PyMongoError=OSError))
    exporter = importlib.import_module("deploys.checks.mongodb_exporter")
    status = {
        "connections": {"current": 11, "available": 100, "active": 2},
        "opcounters": dict.fromkeys(("insert", "query", "update", "delete", "getmore", "command"), 7),
        "mem": {"resident": 90, "virtual": 900},
        "uptime": 60.0,
        "wiredTiger": {"cache": {"bytes currently in the cache": 5, "maximum bytes configured": 10}},
    }
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in exporter.metrics(status)
        for sample in family.samples
    }
    assert told["mongodb_connections", "current"] == 11
    assert told["mongodb_op_counters_total", "query"] == 7
    assert told["mongodb_cache_bytes", "max"] == 10
