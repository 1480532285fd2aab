"""Production on this machine with the product's own commands: up, both applications, what the monitor sees, down.

What the monitor does once it is there, test_monitor.py has; what its page shows, test_dashboard.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.console import Progress
from pipeline.base.errors import Exit
from pipeline.base.facts import TUNNEL_PORT
from pipeline.base.places import ROOT
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.lab.lab import Lab
from pipeline.lab.sets import PRODUCTION
from pipeline.prod.mark import leave_mark
from pipeline.prod.publish import Page
from pipeline.runs.record import Record
from tests.support.lab import PROVIDER
from tests.support.production_site import ProductionSite

# Seconds for what the monitor must show within a minute, with room for a busy machine.
SECONDS = 100
# On a host with an application, and on the monitor: docs/monitoring.md
PORTS = {"checkbox": (9100, 9256, 3903, 9113, 9216), "monitor": (9090, 9093, 9115, 9100, 9256, TUNNEL_PORT)}
CONNECT = """
import socket, sys
for port in map(int, sys.argv[2:]):
    try:
        socket.create_connection((sys.argv[1], port), 2).close()
        print(port)
    except OSError:
        pass
"""


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "not within its time"
        time.sleep(1)


def test_up_makes_three_hosts_and_a_monitor_that_sees_them(site: ProductionSite) -> None:
    assert [host["host"] for host in site.told["hosts"]] == ["checkbox", "itrust", "monitor"]
    assert set(site.hosts.groups) == {"checkbox", "itrust", "monitor"}
    seen = {(found["host"], found["job"]) for found in site.query('up{job=~"node|process"} == 1')}
    assert seen == {(host, job) for host in PRODUCTION.hosts for job in ("node", "process")}


def test_the_page_is_there_for_those_who_know_the_password(site: ProductionSite) -> None:
    assert "<title>" in site.page("/dashboard/").text
    assert site.page("/dashboard/lib/uplot/dist/uPlot.esm.js").status_code == 200
    assert site.page("/dashboard/", "guessed").status_code == 401
    assert site.page("/prometheus/api/v1/query?query=up", "guessed").status_code == 401
    # neither Prometheus's own pages nor what changes something
    assert site.page("/prometheus/config").status_code == 404


@pytest.mark.parametrize("app", ["checkbox", "itrust"])
def test_every_target_of_an_application_answers_once_it_is_deployed(
    site: ProductionSite, applications: dict[str, dict[str, Any]], app: str
) -> None:
    jobs = {"node", "process", "mtail", "nginx", "probe"}
    jobs |= {"mongodb"} if app == "checkbox" else {"mysqld", "jmx"}
    wait(lambda: {found["job"] for found in site.query(f'up{{app="{app}"}} == 1')} == jobs)
    wait(lambda: [found["value"] for found in site.query(f'probe_success{{app="{app}"}}')] == [1.0])
    release = site.machines[app].check_output(f"cut -d' ' -f2 /srv/{app}/live")
    wait(
        lambda: (
            [m["release"] for m in site.query(f'pipeline_deploy_timestamp_seconds{{app="{app}"}}')]
            == [release]
        )
    )
    assert applications[app]["release"] == release


@pytest.mark.parametrize(
    "expression",
    [
        'sum(rate(http_requests_total{app="checkbox",status="200"}[1m])) > 0',
        'histogram_quantile(0.95, sum by (le) (rate(http_request_seconds_bucket{app="itrust"}[1m]))) > 0',
        'mongodb_connections{app="checkbox",state="current"} > 0',
        'sum(rate(mysql_global_status_queries{app="itrust"}[1m])) > 0',
        'max(jvm_memory_used_bytes{app="itrust",area="heap"}) > 0',
        'sum(namedprocess_namegroup_memory_bytes{groupname="checkbox",memtype="resident"}) > 0',
    ],
)
@pytest.mark.usefixtures("applications")
def test_both_applications_show_their_figures(site: ProductionSite, expression: str) -> None:
    wait(lambda: len(site.query(expression)) == 1)


@pytest.mark.usefixtures("applications")
def test_a_second_up_changes_nothing_and_takes_seconds(site: ProductionSite) -> None:
    began = time.monotonic()
    ended = site.run("prod", "up", "--json")
    assert ended.code == Exit.OK, ended.err
    assert time.monotonic() - began < 20
    told = ended.json
    assert {change["action"] for change in told["changes"]} == {"keep"}
    assert told["monitor"]["changes"] == {host: [] for host in PRODUCTION.hosts}
    assert told["monitor"]["down"] == []


@pytest.mark.usefixtures("applications")
def test_a_third_host_reaches_no_exporter_and_nothing_of_the_monitor_but_its_page(
    site: ProductionSite,
) -> None:
    for name, ports in PORTS.items():
        address = site.hosts.one(name).private_address
        listening = " ".join(map(str, ports))
        # they do listen there, so that this is no test of dead ports
        assert site.machines[name].check_output(f"python3 -c '{CONNECT}' 127.0.0.1 {listening}").split() == [
            *listening.split()
        ]
        third = site.machines["itrust"]
        assert third.check_output(f"python3 -c '{CONNECT}' {address} {listening} 80").split() == ["80"]


def test_a_verdict_of_the_canary_is_found_beside_the_deploys(site: ProductionSite) -> None:
    run = {
        "repo": 'https://example.org/a "quoted"\nname',
        "baseline": {"ref": "master", "sha": "c2200fe" + "0" * 33},
        "canary": {"ref": "a7474e4", "sha": "a7474e4" + "0" * 33},
    }
    verdict = Verdict(Outcome.FAILED, 12.4, 75, (), (), ())
    for _ in range(2):  # the same once more replaces the first: twice would break the exporter
        leave_mark(site.hosts.one("monitor"), Record.from_dict(run), verdict, Progress(quiet=True))
    # Canaries that other tests run meanwhile leave their marks here, too.
    ours = 'pipeline_canary_timestamp_seconds{canary="a7474e4"}'
    wait(lambda: bool(site.query(ours)))
    (mark,) = site.query(ours)
    assert (mark["repo"], mark["baseline"], mark["canary"], mark["verdict"], mark["score"]) == (
        'https://example.org/a "quoted" name', "master c2200fe", "a7474e4", "failed", "12",
    )  # fmt: skip
    assert abs(mark["value"] - time.time()) < SECONDS
    assert site.query('node_textfile_scrape_error{host="monitor"}')[0]["value"] == 0


def test_a_page_that_was_published_is_there_for_those_who_know_the_password_and_may_do_nothing(
    site: ProductionSite,
) -> None:
    monitor, page = site.hosts.one("monitor"), Page("lab-test.html", "<p>do not promote: é</p>")
    record = Record.from_dict({"repo": "https://example.org/published", "created": "2026-11-30T12:00:00Z"})
    verdict = Verdict(Outcome.FAILED, 12.4, 75, (), (), ())
    for _ in range(2):  # again it changes nothing
        assert leave_mark(monitor, record, verdict, Progress(quiet=True), page)
    assert site.page(page.path, "guessed").status_code == 401
    answer = site.page(page.path)
    assert answer.content.decode() == page.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert "script-src" not in policy
    there = site.machines["monitor"].check_output("ls -A /srv/monitor/reports").split()
    assert page.name in there
    assert not [name for name in there if name.startswith(".")]
    for path in ("/reports/", "/reports/.new", "/reports/..%2fcurrent/site/index.html", "/reports/none.html"):
        assert site.page(path).status_code in (400, 404)
    wait(
        lambda: (
            [m["report"] for m in site.query('pipeline_canary_timestamp_seconds{service="published"}')]
            == [page.path]
        )
    )


def test_down_leaves_nothing(site: ProductionSite, production_was_up: bool) -> None:
    if production_was_up:
        pytest.skip("local production was up before the tests, and stays")
    ended = site.run("prod", "down", "--json")
    assert ended.code == Exit.OK, ended.err
    assert not site.file.exists()
    again = site.run("prod", "down", "--json")
    assert (again.code, again.json["changes"]) == (Exit.OK, [])
    lab = Lab(ROOT, PROVIDER, lambda _: None, PRODUCTION)
    assert {state for _, state, _ in lab.status()} == {"not_created"}
    assert list(lab.state.glob("lab.json")) == []
    left = [path.name for path in Path("/var/lib/lxc").glob(f"{PRODUCTION.prefix(ROOT)}*")]
    assert left == []
