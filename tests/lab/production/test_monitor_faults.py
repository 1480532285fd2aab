"""When something of the monitor is gone, nothing else suffers; and what `verify` leaves that is interrupted.

What breaks off `prod up`, `change` and `down` in AWS, call by call, has tests/unit/prod/aws/test_broken_off.py.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from tests.support.lab import Ended
from tests.support.production_site import ProductionSite

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("applications")]

SECONDS = 60


def until(good: Callable[[], bool]) -> float:
    """Wait until something is so; the seconds that took."""
    began = time.monotonic()
    while not good():
        assert time.monotonic() - began < SECONDS, "not within its time"
        time.sleep(0.5)
    return time.monotonic() - began


def do(site: ProductionSite, host: str, script: str) -> str:
    return str(site.machines[host].check_output(f"sudo sh -c '{script}'"))


def all_seen(site: ProductionSite) -> bool:
    """Whether every target of checkbox.io answers."""
    try:
        answers = site.page('/prometheus/api/v1/query?query=min(up{app="checkbox"})')
    except requests.RequestException:
        return False  # the monitor itself may be what comes back
    return answers.status_code == 200 and [one["value"][1] for one in answers.json()["data"]["result"]] == [
        "1"
    ]


def verify(site: ProductionSite) -> Ended:
    return site.run("verify", "checkbox.io", "-i", str(site.file), "--json")


@pytest.fixture(autouse=True)
def _whole_before_and_after(site: ProductionSite) -> Iterator[None]:
    until(lambda: all_seen(site))
    yield
    until(lambda: all_seen(site))
    ended = verify(site)
    assert ended.code == Exit.OK, ended.err


def test_without_prometheus_an_application_is_deployed_and_verified_and_up_starts_it_again(
    site: ProductionSite, checkbox_repository: Path
) -> None:
    do(site, "monitor", "systemctl stop prometheus")
    assert site.page("/prometheus/api/v1/query?query=up").status_code == 502
    assert site.deploy("checkbox.io", checkbox_repository)["release"]
    assert verify(site).code == Exit.OK
    ended = site.run("prod", "up", "--json")
    assert ended.code == Exit.OK, ended.err
    assert any("Prometheus" in change for change in ended.json["monitor"]["changes"]["monitor"]), ended.json


def test_a_tunnel_that_is_killed_comes_back(site: ProductionSite) -> None:
    before = do(site, "monitor", "systemctl show -P MainPID tunnel@checkbox")
    do(site, "monitor", "systemctl kill -s KILL tunnel@checkbox")
    until(lambda: do(site, "monitor", "systemctl show -P MainPID tunnel@checkbox") not in (before, "0"))


def test_a_monitor_without_power_holds_up_no_application_and_up_gives_it_power(
    site: ProductionSite, checkbox_repository: Path
) -> None:
    do(site, "monitor", "systemd-run --on-active=1 systemctl poweroff")
    until(lambda: not _answers(site))
    ended = site.run("deploy", "checkbox.io", "-i", str(site.file), "--repo", str(checkbox_repository))
    assert ended.code == Exit.OK, ended.err
    assert verify(site).code == Exit.OK
    status = json.loads(site.run("prod", "status", "--json").out)
    states = {host["host"]: host["state"] for host in status}
    assert states["checkbox"] == "running"
    assert states["monitor"] != "running"
    up = site.run("prod", "up", "--json")
    assert up.code == Exit.OK, up.err


def _answers(site: ProductionSite) -> bool:
    try:
        return site.page("/dashboard/").status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_verify_that_is_interrupted_says_so_in_a_line(site: ProductionSite, number: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "verify", "checkbox.io", "-i", str(site.file)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    assert "checking checkbox.io on checkbox" in child.stderr.readline()
    time.sleep(3)
    child.send_signal(number)
    out, err = child.communicate(timeout=30)
    assert child.returncode == Exit.INTERRUPTED, err
    assert out == ""
    assert err.splitlines()[-1].startswith("pipeline: interrupted")
