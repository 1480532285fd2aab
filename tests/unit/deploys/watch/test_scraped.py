"""What Prometheus asks, and where on the monitor it finds it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploys.kit.facts import EXPORTERS
from deploys.kit.places import TEMPLATES
from deploys.watch import scraped
from deploys.watch.scraped import Monitored

WEB = Monitored("web1", ["checkbox"], {"checkbox": "http://203.0.113.10/api/study/listing"})

CLINIC = Monitored("clinic", ["itrust"], {"itrust": "http://203.0.113.12:8080/iTrust2/login"})


def read(hosts: list[Monitored]) -> dict[str, list[dict[str, Any]]]:
    return {job: json.loads(text) for job, text in scraped.targets(hosts, "monitor").items()}


def test_every_series_tells_its_host_and_its_application() -> None:
    found = read([WEB, CLINIC])
    assert set(found) == set(scraped.JOBS)
    assert [t["labels"] for t in found["mongodb"]] == [
        {"host": "web1", "app": "checkbox", "instance": "web1:9216"}
    ]
    assert {(t["labels"]["host"], t["labels"]["app"]) for t in found["node"]} == {
        ("web1", "checkbox"),
        ("clinic", "itrust"),
        ("monitor", "monitor"),
    }
    assert [t["targets"] for t in found["jmx"]] == [
        [f"{scraped.loopback('clinic')}:{port}"] for port in scraped.JVM_PORTS
    ]
    assert found["probe"][0]["targets"] == ["http://203.0.113.10/api/study/listing"]


def test_a_host_keeps_its_address_on_the_monitor_whoever_comes_and_goes() -> None:
    alone, among = read([CLINIC])["node"][0], read([WEB, CLINIC])["node"][1]
    assert alone == among
    addresses = {scraped.loopback(f"web{number}") for number in range(500)}
    assert len(addresses) == 500
    assert all(address.startswith("127.") and not address.startswith("127.0.") for address in addresses)


def test_a_host_with_both_applications_is_asked_for_each() -> None:
    both = Monitored("one", ["checkbox", "itrust"], {"checkbox": "http://one/", "itrust": "http://one:8080/"})
    assert [t["labels"]["app"] for t in read([both])["node"]] == ["checkbox", "itrust", "monitor"]
    assert scraped.ports_of(both) == [9100, 9256, 3903, 9113, 9216, 9104, 18081, 18082]


def test_a_database_elsewhere_is_not_asked() -> None:
    elsewhere = Monitored("web1", ["checkbox"], {"checkbox": "http://web1/"}, frozenset(["mongodb"]))
    assert read([elsewhere])["mongodb"] == []
    assert 9216 not in scraped.ports_of(elsewhere)


def test_the_canarys_proxy_is_asked_for_haproxys_figures_where_haproxy_gives_them_and_for_no_page() -> None:
    proxy = Monitored("gate", ["proxy"], {})
    found = read([WEB, proxy])
    assert [(t["labels"]["host"], t["labels"]["app"]) for t in found["haproxy"]] == [("gate", "proxy")]
    assert [t["labels"]["host"] for t in found["probe"]] == ["web1"]
    assert scraped.ports_of(proxy) == [9100, 9256, 8405]
    template = (TEMPLATES / "haproxy.cfg.j2").read_text()
    assert f"    bind 127.0.0.1:{EXPORTERS['haproxy']}\n" in template
    assert scraped.targets([WEB], "monitor")["haproxy"] == "[]\n"


@pytest.mark.parametrize("name", ["a b", "-oProxyCommand=x", "web/1", "web%i", "", "x" * 64, "@vagrant/web"])
def test_a_name_that_could_mean_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(scraped.TargetsError, match="needs a name of"):
        scraped.targets([Monitored(name, ["checkbox"], {"checkbox": "http://x/"})], "monitor")
