"""A whole run on hosts that are not there: what it measures, decides, and leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.base.console import Progress
from pipeline.base.facts import PROXY_PORT
from pipeline.canary import early_stop, measure, workflow
from pipeline.canary.plan import Plan, Settings, make_plan
from pipeline.canary.workflow import Hosts, Result, run_on
from pipeline.inventory.hosts import Host
from pipeline.judge.verdict import Outcome
from pipeline.runs.directory import load
from pipeline.runs.record import Entries
from pipeline.source.sample import make_sample_repository
from tests.support.fake_hosts import FakeConnection, FakeHosts

PROFILE = """\
name: preview
start: [node, index.js]
port: 3000
start_timeout: 1
request: {path: /preview}
metrics: [{name: error_rate, threshold: 10pp}]
policy: {block_seconds: 1, alpha: 0.2, min_blocks: 5}
"""
ROUTES = "/etc/haproxy/routes.map"


@dataclass
class Stage:
    hosts: FakeHosts
    plan: Plan

    def run(self) -> Result:
        hosts = Hosts(self.hosts.inventory, Path("known_hosts"), "inventory")
        return run_on(contextlib.nullcontext(hosts), self.plan, Progress())


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    # An address of its own for each process that tests: the port is the proxy's in every run.
    address = f"127.77.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"
    hosts = FakeHosts(address, PROXY_PORT, {"blue": 200, "green": 200})
    (tmp_path / "profile.yml").write_text(PROFILE)
    (tmp_path / "state").mkdir()

    def connect(host: Host, directory: Path, _known_hosts: Path) -> FakeConnection:
        return FakeConnection(hosts, host, directory)

    monkeypatch.setattr(measure, "Connection", connect)
    monkeypatch.setattr(workflow, "provision", lambda *_, **__: None)
    monkeypatch.setattr(workflow, "state_directory", lambda: tmp_path / "state")
    monkeypatch.setattr(early_stop, "_MOST_OF_THE_TIME", 1.0)  # nobody's measurement is disturbed here
    settings = Settings(
        baseline="master",
        canary="broken",
        profile=str(tmp_path / "profile.yml"),
        repo=str(make_sample_repository(tmp_path / "sample")),
        rate=40,
        duration=6,
        warmup=0,
        runs=tmp_path / "runs",
    )
    return Stage(hosts, make_plan(settings, Progress(quiet=True)))


def test_a_canary_of_errors_fails_early_and_the_proxy_goes_back(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.hosts.status["green"] = 500
    result = stage.run()
    assert result.verdict.outcome is Outcome.FAILED
    assert stage.hosts.live == "blue"
    assert stage.hosts.written[ROUTES] == "blue /preview\ngreen /preview\n"
    said = capsys.readouterr().err
    for words in (
        "load: 40 requests/s at /preview",
        "enough is known after",
        "judging",
        "the proxy is on blue",
    ):
        assert words in said
    path = result.run.path
    assert sorted(file.name for file in path.iterdir()) == [
        *("latency.hlog", "logs", "proxy.json", "report.html", "requests.csv.gz", "run.json"),
        *("series.csv.gz", "verdict.json"),
    ]
    assert sorted(file.name for file in (path / "logs").iterdir()) == [
        *("blue.log", "green.log", "loadgen.log", "proxy.log"),
    ]
    record = load(path).record
    written = [key for key in Entries.__annotations__ if key != "calibration"]
    assert list(record.to_dict()) == written
    assert (record.promoted, record.provider, record.problems) == (False, "inventory", ())
    assert record.stopped_early["outcome"] == "failed"
    assert record.phases[-1].end == record.stopped_early["at"]
    counted = record.to_dict()["reconciliation"]
    assert counted["haproxy"]["green"]["req_tot"] >= counted["loader"]["green"] > 0
    assert load(path).verdict.outcome is Outcome.FAILED
    assert list(json.loads((path / "proxy.json").read_text())) == [
        *("haproxy", "loader", "unattributed", "mismatches"),
    ]


def test_a_baseline_that_does_not_come_up_makes_the_run_invalid_without_any_load(stage: Stage) -> None:
    stage.hosts.status["blue"] = None
    result = stage.run()
    assert result.verdict.outcome is Outcome.INVALID
    (problem,) = result.run.record.problems
    assert problem.effect == "invalid"
    assert problem.message.startswith("the baseline did not come up: blue: the service did not answer within")
    assert stage.hosts.served.total() == 0
    written = set(Entries.__annotations__) - {"calibration", "stopped_early", "reconciliation"}
    assert set(result.run.record.to_dict()) == written
