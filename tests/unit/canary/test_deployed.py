"""Whose fault it is that a version did not come up. Hosts are played here; test_machine_faults.py has real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipeline.base.console import Progress
from pipeline.base.errors import HostError, PipelineError, ProvisionError, ServiceError
from pipeline.canary import deployed
from pipeline.canary.deployed import Hosts, deploy
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.plan import Plan, Settings, make_plan
from pipeline.inventory.hosts import Host, Inventory
from pipeline.runs.record import Record
from pipeline.source.sample import make_sample_repository

Data = Mapping[str, Mapping[str, object]]
Told = Callable[..., list[tuple[str, str]]]

CODE = ServiceError("green", "install", "the service could not be installed: npm ci: 404 Not Found")
DISK = ServiceError("green", "install", "tar: No space left on device", machine=True)
SILENT = ServiceError("green", "start", "the service did not answer within 20 s")
BASELINE = ServiceError("blue", "start", "the service could not be started: no such file")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    samples = make_sample_repository(tmp_path_factory.mktemp("sample") / "preview")
    return make_plan(Settings("master", "slow", repo=str(samples)), Progress(quiet=True))


class Played:
    """Hosts that fail as they are told: `errors` at each deploy in turn, None where it ends well."""

    def __init__(self, *errors: PipelineError | None) -> None:
        self.errors = list(errors)
        self.data: list[Data] = []
        self.orders: list[list[str]] = []

    def provision(self, inventory: Inventory, _deploy: Path, data: Data, **_: object) -> None:
        self.data.append(data)
        self.orders.append([host.name for host in inventory])
        if (error := self.errors.pop(0)) is not None:
            raise error

    async def answering(self, *_: object) -> None:
        return


@pytest.fixture
def told(plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Told:
    """What a run's problems are once hosts that are `played` were deployed to."""

    def run(played: Played) -> list[tuple[str, str]]:
        monkeypatch.setattr(deployed, "provision", played.provision)
        monkeypatch.setattr(deployed, "answering", played.answering)
        names = ("green", "blue", "proxy")  # green first
        inventory = Inventory({name: (Host(name, "192.0.2.1"),) for name in names})
        under_way = RunInProgress(tmp_path, Record.from_dict({}))
        hosts = Hosts(inventory, tmp_path / "known_hosts", "lxc")
        deploy(plan, hosts, under_way, Progress(quiet=True))
        return [(problem.effect, problem.message) for problem in under_way.record.problems]

    return run


def test_both_versions_that_come_up_are_no_problem_and_the_proxy_is_told_first(told: Told) -> None:
    played = Played(None)
    assert told(played) == []
    assert played.orders == [["proxy", "blue", "green"]]


def test_a_baseline_that_does_not_come_up_makes_the_run_invalid_and_nothing_more_is_tried(told: Told) -> None:
    played = Played(BASELINE)
    assert told(played) == [("invalid", f"the baseline did not come up: {BASELINE.message}")]
    assert len(played.data) == 1


def test_a_fault_of_the_machine_is_not_the_canarys_and_needs_no_control(told: Told) -> None:
    played = Played(DISK)
    ((effect, message),) = told(played)
    assert (effect, len(played.data)) == ("invalid", 1)
    assert message.endswith(DISK.message)


@pytest.mark.parametrize("error", [CODE, SILENT], ids=["install", "start"])
def test_a_canary_has_failed_once_the_baselines_commit_came_up_on_its_host(
    error: ServiceError, told: Told, plan: Plan
) -> None:
    played = Played(error, None)
    ((effect, message),) = told(played)
    assert effect == "failed"
    assert error.message in message
    assert played.orders[1] == ["green"]
    assert played.data[1]["green"]["commit"] == plan.baseline.sha
    # An installation that failed is gone through once more, not taken from an earlier run.
    assert bool(played.data[1]["green"]["again"]) is (error is CODE)


@pytest.mark.parametrize(
    "other",
    [
        ServiceError("green", "install", "the service could not be installed: it failed, too"),
        HostError("green", "its disk is full"),
        ProvisionError("canary.py: green: no apt"),
    ],
    ids=["code", "host", "deploy"],
)
def test_where_the_baselines_commit_does_not_come_up_there_either_nobody_is_to_blame(
    other: PipelineError, told: Told
) -> None:
    ((effect, message),) = told(Played(CODE, other))
    assert effect == "invalid"
    assert CODE.message in message
    assert other.message in message


def test_a_host_that_cannot_take_a_version_ends_the_run(told: Told) -> None:
    with pytest.raises(HostError, match="its disk is full"):
        told(Played(HostError("green", "its disk is full")))
