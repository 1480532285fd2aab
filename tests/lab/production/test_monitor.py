"""The monitor on real hosts: before any application is there, with both, and when hosts stop, come back or leave."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from deploys.watch.scraped import Monitored, loopback, ports_of
from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Inventory
from tests.support.lab import Command, repository_of

# Nothing but these is reached from another host.
OPEN = {"checkbox": {22, 80}, "itrust": {22, 8080}, "monitor": {22, 80}}
INSIDE = {3002, 8081, 8082, 8089, 9090, 9093, 9094, 9115, 27017, 3306}

WEBHOOK = 9099
# Whom alerts are sent to: what it was sent, one JSON text a line, on a host of the lab.
RECEIVER = f"""
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        told = self.rfile.read(int(self.headers["Content-Length"]))
        with open("/tmp/alerts-sent", "ab") as file:
            file.write(told.strip() + b"\\n")
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("", {WEBHOOK}), Receiver).serve_forever()
"""


@dataclass(frozen=True)
class Watched:
    """All hosts with their monitor. `run` makes it so, for another inventory too."""

    machines: Callable[[str], Any]
    inventory: Inventory
    file: Path
    url: str
    password: str = field(repr=False)

    def run(self, inventory: Inventory | None = None) -> str:
        write_inventory(inventory or self.inventory, self.file)
        return monitored(self.file)

    def ask(self, path: str, **parameters: str) -> Any:
        """JSON from the monitor, as the page gets it."""
        answer = requests.get(
            f"{self.url}{path}", params=parameters, auth=("pipeline", self.password), timeout=10
        )
        answer.raise_for_status()
        return answer.json()

    def query(self, text: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("/prometheus/api/v1/query", query=text)["data"]["result"]
        return found

    def down(self) -> set[str]:
        """The instances that do not answer."""
        return {series["metric"]["instance"] for series in self.query("up == 0")}

    def firing(self) -> set[tuple[str, str]]:
        alerts = self.ask("/prometheus/api/v1/alerts")["data"]["alerts"]
        return {(a["labels"]["alertname"], a["labels"]["host"]) for a in alerts if a["state"] == "firing"}

    def do(self, host: str, command: str) -> str:
        with self.machines(host).sudo():
            done = self.machines(host).run(command)
        assert done.rc == 0, done.stderr
        return str(done.stdout)


def monitored(file: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "-y", str(file), "deploys/monitor.py"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def until(good: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; gives the seconds that took."""
    began = time.monotonic()
    while True:
        try:
            if good():
                return time.monotonic() - began
        except requests.RequestException:
            pass  # the monitor itself may be what comes back
        assert time.monotonic() - began < seconds, f"not so after {seconds:.0f} s"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def watched(
    production: Inventory,
    host_of: Callable[[str], Any],
    command: Command,
    itrust_repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Watched:
    """The monitor first, then both applications, as `prod up` and then `deploy` have it."""
    directory = tmp_path_factory.mktemp("monitor")
    secrets, file = directory / "secrets", directory / "hosts.ini"
    inventory = Inventory(
        {
            group: tuple(replace(h, data={**h.data, "secrets_directory": str(secrets)}) for h in hosts)
            for group, hosts in production.groups.items()
        }
    )
    write_inventory(inventory, file)
    secrets.mkdir(mode=0o700)
    kept = secrets / "production.yml"
    kept.touch(mode=0o600)
    kept.write_text(f"alert_webhook: http://{production.one('itrust').private_address}:{WEBHOOK}/alerts\n")
    assert '"proof": "every host is seen"' in monitored(file)
    checkbox = repository_of("checkbox", directory / "checkbox", "master")
    for app, repository in (("checkbox.io", checkbox), ("iTrust", itrust_repository)):
        ended = command("deploy", app, "-i", str(file), "--repo", str(repository), "--json")
        assert ended.code == Exit.OK, ended.err
    password = yaml.safe_load(kept.read_text())["monitor_password"]
    url = f"http://{production.one('monitor').address}"
    return Watched(host_of, inventory, file, url, password)


def idle_slot(watched: Watched) -> set[str]:
    """The JVM that does not run."""
    live = watched.do("itrust", "cat /srv/itrust/live").split()[0]
    return {f"itrust:{26163 - int(live)}"}  # 18081 + 8082 = 18082 + 8081


def test_every_target_answers_but_the_slot_that_does_not_run(watched: Watched) -> None:
    until(lambda: watched.down() == idle_slot(watched), 60)
    jobs = {series["metric"]["job"] for series in watched.query("up")}
    assert jobs == {
        "node", "process", "mtail", "nginx", "mongodb", "mysqld", "jmx", "probe", "prometheus", "alertmanager",
    }  # fmt: skip


def test_again_changes_nothing(watched: Watched) -> None:
    assert re.search(r"Grand total +\d+ +- +- +\d+ ", watched.run())


def test_requests_the_database_the_jvm_and_the_last_deploy_are_seen(watched: Watched) -> None:
    for text in (
        'http_requests_total{app="checkbox",status="200"} > 0',
        'http_requests_total{app="itrust",status="200"} > 0',
        'histogram_quantile(0.95, sum by (le) (rate(http_request_seconds_bucket{app="checkbox"}[1m]))) > 0',
        'mongodb_connections{app="checkbox",state="current"} > 0',
        'mysql_global_status_threads_connected{app="itrust"} > 0',
        'jvm_memory_used_bytes{app="itrust",area="heap"} > 0',
        'pipeline_deploy_timestamp_seconds{app="checkbox",release=~".+"} > 0',
        'namedprocess_namegroup_memory_bytes{groupname="itrust",memtype="resident"} > 0',
        'node_systemd_service_restart_total{name=~"checkbox@.*"}',
    ):
        until(lambda text=text: bool(watched.query(text)), 75)  # type: ignore[misc] # bound now, not later


def test_no_exporter_is_reached_from_another_host(watched: Watched) -> None:
    both = Monitored("x", ["checkbox", "itrust"], {})
    ports = sorted({22, 80, 8080, *ports_of(both), *INSIDE})
    for name, expected in OPEN.items():
        address = watched.inventory.one(name).private_address
        other = watched.machines("itrust" if name == "checkbox" else "checkbox")
        tried = f'for p in {" ".join(map(str, ports))}; do timeout 2 bash -c "</dev/tcp/{address}/$p" && echo $p; done'
        assert {int(port) for port in other.run(tried).stdout.split()} == expected, name


def test_the_monitors_key_opens_the_exporters_ports_and_nothing_else(watched: Watched) -> None:
    ssh = "sudo -u tunnels ssh -F /tmp/to-checkbox -o ConnectTimeout=5"
    watched.do("monitor", "grep -v LocalForward /etc/tunnels/checkbox.conf > /tmp/to-checkbox")
    machine = watched.machines("monitor")
    assert "not available" in machine.run(f"{ssh} checkbox id").stdout
    # 255 is ssh's own, which testinfra would take for its own connection's.
    refused = machine.run(f"{ssh} -W 127.0.0.1:27017 checkbox </dev/null; echo ended $?")
    assert "ended 255" in refused.stdout
    backwards = f"timeout 5 {ssh} -N -o ExitOnForwardFailure=yes -R 5555:127.0.0.1:22 checkbox"
    assert "ended 255" in machine.run(f"{backwards}; echo ended $?").stdout
    socket = f"{ssh} -N -L /tmp/of-checkbox:/run/dbus/system_bus_socket checkbox"
    tried = machine.run(
        f"(timeout 5 {socket} &) ; sleep 2; sudo -u tunnels curl -sS -m 2 --unix-socket /tmp/of-checkbox http://x/"
    )
    assert "eset by peer" in tried.stderr or "Empty reply" in tried.stderr, tried.stderr
    assert machine.run(f"curl -s http://{loopback('checkbox')}:9100/metrics").stdout.startswith("# HELP")


def test_the_page_wants_its_password_and_takes_questions_only(watched: Watched) -> None:
    login = ("pipeline", watched.password)
    for path in ("/dashboard/", "/prometheus/api/v1/query?query=up", "/alertmanager/api/v2/alerts"):
        assert requests.get(watched.url + path, timeout=5).status_code == 401
        assert requests.get(watched.url + path, auth=("pipeline", "x"), timeout=5).status_code == 401
        assert requests.get(watched.url + path, auth=login, timeout=5).status_code == 200
    for path in ("/prometheus/api/v1/status/config", "/prometheus/api/v1/admin/tsdb/snapshot", "/srv/"):
        assert requests.get(watched.url + path, auth=login, timeout=5).status_code == 404
    silence = requests.post(f"{watched.url}/alertmanager/api/v2/silences", json={}, auth=login, timeout=5)
    assert silence.status_code == 403
    found = watched.machines("monitor").run("grep -rls %s /etc /srv /run /tmp /var/log", watched.password)
    assert found.stdout == ""


# systemd's child stays root, and its command line "(sleep)", until somebody writes into the pipe that is its input: as
# long as a service takes to begin on a host that boots and has much to do.
SLOW_START = """
rm -f /run/slow-start && mkfifo /run/slow-start
systemd-run -q --no-block --collect --unit slow-start -p User=nobody -p StandardInput=file:/run/slow-start sleep 600
for n in $(seq 50); do ps -eo args= | grep -q '^(sleep)' && break; sleep 0.1; done
ps -eo args= | grep -q '^(sleep)'
curl -sf http://127.0.0.1:9256/metrics >/dev/null
timeout 10 sh -c 'echo > /run/slow-start'
for n in $(seq 50); do ps -eo args= | grep -q '^/usr/bin/sleep 600' && break; sleep 0.1; done
curl -sf http://127.0.0.1:9256/metrics | grep num_procs
systemctl stop slow-start
rm -f /run/slow-start
"""


def test_a_service_that_was_seen_while_it_was_still_root_is_counted_as_its_user(watched: Watched) -> None:
    assert 'num_procs{groupname="nobody"} 1\n' in watched.do("checkbox", f"set -e; {SLOW_START}")


def test_verify_finds_an_application_of_which_the_monitor_gets_no_figures(
    watched: Watched, command: Command
) -> None:
    """As after a reboot of hosts whose process exporter had seen a service as root."""
    title = "The monitor gets figures of every service's processes"
    asked = ("verify", "checkbox.io", "-i", str(watched.file), "--json")
    (found,) = [check for check in command(*asked).json["checks"] if check["title"] == title]
    assert found["outcome"] == "passed"
    configuration = "/etc/pipeline/process-exporter.yml"
    watched.do(
        "checkbox", f"cp {configuration} /run/kept.yml; sed -i 's/{{{{.Username}}}}/root/' {configuration}"
    )
    try:
        watched.do("checkbox", "systemctl restart prometheus-process-exporter")
        ended = command(*asked)
    finally:
        watched.do(
            "checkbox", f"mv /run/kept.yml {configuration}; systemctl restart prometheus-process-exporter"
        )
    assert ended.code == Exit.FAILED
    (failed,) = [check for check in ended.json["checks"] if check["outcome"] == "failed"]
    assert failed["title"] == title
    assert failed["reason"] == "no figures of the processes of checkbox, mongodb, www-data"


def test_each_alert_fires_when_it_should_by_promtool(watched: Watched) -> None:
    alerts = ROOT / "deploys" / "alerts"
    for name in ("rules.yml", "tests.yml"):
        text = (alerts / name).read_text()
        watched.machines("monitor").run("mkdir -p /tmp/alerts && printf %%s %s > /tmp/alerts/%s", text, name)
    tested = watched.machines("monitor").run("cd /tmp/alerts && promtool test rules tests.yml")
    assert tested.rc == 0, tested.stdout + tested.stderr


def test_an_application_that_stops_is_told_of_within_a_minute_and_no_more_once_it_answers(
    watched: Watched,
) -> None:
    until(lambda: not watched.firing(), 90)
    started = watched.machines("itrust").run(
        "sudo systemd-run -q --collect --unit alerts-receiver python3 -c %s", RECEIVER
    )
    assert started.rc == 0, started.stderr
    watched.do("checkbox", "systemctl stop 'checkbox@*'")
    try:
        until(lambda: ("ApplicationDown", "checkbox") in watched.firing(), 60)
        until(lambda: "ApplicationDown checkbox" in sent(watched), 60)
    finally:
        watched.do("checkbox", "systemctl start checkbox@$(cut -d ' ' -f 1 /srv/checkbox/live)")
        watched.do("itrust", "systemctl stop alerts-receiver")
    until(lambda: ("ApplicationDown", "checkbox") not in watched.firing(), 60)


def sent(watched: Watched) -> set[str]:
    """The alerts that the receiver was told of as firing: name and host."""
    text = watched.do("itrust", "cat /tmp/alerts-sent 2>/dev/null || true")
    alerts = [alert for line in text.splitlines() for alert in json.loads(line)["alerts"]]
    told = [alert["labels"] for alert in alerts if alert["status"] == "firing"]
    return {f"{labels['alertname']} {labels['host']}" for labels in told}


def test_a_host_that_leaves_the_inventory_loses_its_tunnel_and_its_targets(watched: Watched) -> None:
    groups = {group: hosts for group, hosts in watched.inventory.groups.items() if group != "itrust"}
    watched.run(Inventory(groups))
    units = "systemctl list-units --plain --no-legend 'tunnel@*'"
    assert "itrust" not in watched.do("monitor", units)
    assert "itrust" not in watched.do("monitor", "ls /etc/tunnels; cat /etc/prometheus/targets/*.json")
    until(lambda: not watched.query('up{host="itrust"}'), 60)
    watched.run()
    until(lambda: watched.down() == idle_slot(watched), 60)


def test_after_a_reboot_of_each_host_all_is_seen_again(watched: Watched) -> None:
    idle = idle_slot(watched)
    for host in ("checkbox", "itrust", "monitor"):
        began = f'process_start_time_seconds{{job="node",host="{host}"}}'
        (before,) = watched.query(began)
        watched.do(host, "systemd-run --on-active=1 systemctl reboot")
        # In /proc of a container a process starts on the machine's clock: another start is another figure.
        until(lambda q=began, b=before: [s["value"][1] for s in watched.query(q)] != [b["value"][1]], 120)  # type: ignore[misc] # bound now, not later
        until(lambda: watched.down() == idle, 120)
    for app, user in (("checkbox", "mongodb"), ("itrust", "mysql")):
        for group in (app, user, "www-data"):
            counted = f'namedprocess_namegroup_num_procs{{host="{app}",groupname="{group}"}} > 0'
            until(lambda q=counted: bool(watched.query(q)), 60)  # type: ignore[misc] # bound now, not later
    until(lambda: not watched.firing(), 60)
    assert re.search(r"Grand total +\d+ +- +- +\d+ ", watched.run())
