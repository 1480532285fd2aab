"""Production on this machine, and a monitor here for hosts elsewhere: plans, choices, words. No Vagrant, no hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.base.console import Progress
from pipeline.base.errors import ConfigError, UsageError
from pipeline.base.places import ROOT
from pipeline.cli.root import run
from pipeline.inventory.hosts import Host, Inventory
from pipeline.lab.sets import MONITOR, PRODUCTION, SETS, HostSet
from pipeline.prod.choose import choose_cloud
from pipeline.prod.cloud import Change, Machine, Plan, Step
from pipeline.prod.here import VagrantCloud
from pipeline.prod.inventory import forget_inventory, inventory_of, last_inventory, remember_inventory
from pipeline.prod.local_monitor import WithLocalMonitor
from pipeline.prod.monitor import Watched
from pipeline.prod.plan_text import plan_lines, up_lines


class Machines:
    """Hosts that only exist in `states`, behind what a Lab says of them."""

    def __init__(self, host_set: HostSet, directory: Path, **states: str) -> None:
        self.host_set, self.root, self.state, self.provider = host_set, directory, directory / "state", "lxc"
        self.states = dict.fromkeys(host_set.hosts, "not_created") | states
        self.calls: list[str] = []

    def status(self) -> list[tuple[str, str, str]]:
        return [(name, state, "") for name, state in self.states.items()]

    def hosts(self) -> tuple[Host, ...]:
        return tuple(Host(name, "192.0.2.1", user="vagrant") for name in self.host_set.hosts)

    def up(self) -> None:
        self.calls.append("up")
        self.states = dict.fromkeys(self.states, "running")

    def down(self) -> None:
        self.calls.append("down")
        self.states = dict.fromkeys(self.states, "not_created")


def local(machines: Any) -> VagrantCloud:
    return VagrantCloud("local", host_set=machines.host_set, make=lambda _: machines)


def apply(cloud: Any, plan: Plan) -> None:
    for step in plan.steps:
        cloud.apply(step, Progress(quiet=True))


def changes(plan: Plan) -> list[tuple[str, str]]:
    return [(step.change.action, step.change.name) for step in plan.steps]


def test_what_is_missing_is_created_what_is_stopped_started_and_what_runs_kept(tmp_path: Path) -> None:
    machines = Machines(PRODUCTION, tmp_path, itrust="stopped", monitor="running")
    cloud = local(machines)
    plan = cloud.plan()
    assert changes(plan) == [("create", "checkbox"), ("change", "itrust"), ("keep", "monitor")]
    assert "It costs nothing." in plan_lines(plan)
    apply(cloud, plan)
    assert machines.calls == ["up"], "Vagrant boots all of them at once"
    assert cloud.plan().changes == ()
    assert cloud.is_there()


def test_hosts_here_are_an_inventory_with_their_environments_secrets(tmp_path: Path) -> None:
    cloud = local(Machines(PRODUCTION, tmp_path))
    inventory = inventory_of(cloud.settle(Progress(quiet=True)))
    assert set(inventory.groups) == {"checkbox", "itrust", "monitor"}
    assert {host.data["environment"] for host in inventory} == {"local"}


def test_a_stopped_host_has_no_address(tmp_path: Path) -> None:
    (machine,) = local(Machines(PRODUCTION, tmp_path, itrust="stopped")).machines()
    assert (machine.state, machine.host, machine.hourly) == ("stopped", None, 0.0)


def test_removal_takes_what_is_there_at_once_and_forgetting_takes_the_rest(tmp_path: Path) -> None:
    machines = Machines(PRODUCTION, tmp_path, checkbox="running", monitor="stopped")
    cloud = local(machines)
    plan = cloud.removal()
    assert changes(plan) == [("remove", "checkbox"), ("remove", "monitor")]
    apply(cloud, plan)
    assert machines.calls == ["down"]
    assert cloud.removal().steps == ()
    cloud.forget()
    assert machines.calls == ["down", "down"], "an up that broke off leaves more than hosts"


class Elsewhere:
    """A cloud with one application host, which is up."""

    def __init__(self) -> None:
        self.applied: list[str] = []

    def plan(self) -> Plan:
        step = Step(Change("keep", "host", "checkbox-1"))
        return Plan("production", "aws eu-central-1", (step,), ("A note.",))

    removal = plan

    def apply(self, step: Step, progress: Progress) -> None:  # noqa: ARG002 - the interface of a cloud
        self.applied.append(step.change.name)

    def settle(self, progress: Progress) -> tuple[Machine, ...]:  # noqa: ARG002
        return self.machines()

    def machines(self) -> tuple[Machine, ...]:
        host = Host("checkbox-1", "203.0.113.9", private_address="10.83.0.5")
        return (Machine("checkbox-1", "checkbox", "t3.small", "running", "i-1", 0.02, host),)

    def forget(self) -> str:
        return "the private key stays"


def test_a_local_monitor_watches_a_clouds_hosts_at_their_public_addresses(tmp_path: Path) -> None:
    cloud, machines = Elsewhere(), Machines(MONITOR, tmp_path)
    both = WithLocalMonitor(cloud, local(machines))
    plan = both.plan()
    assert changes(plan) == [("keep", "checkbox-1"), ("create", "monitor")]
    assert (plan.where, plan.notes) == ("aws eu-central-1", ("A note.",))
    apply(both, plan)
    assert (cloud.applied, machines.calls) == (["checkbox-1"], ["up"])
    inventory = inventory_of(both.settle(Progress(quiet=True)))
    assert inventory.one("checkbox").private_address == "203.0.113.9"
    assert inventory.one("monitor").address == "192.0.2.1"
    assert both.forget() == "the private key stays"


def test_a_local_monitor_that_is_not_wanted_any_more_is_removed_by_up(tmp_path: Path) -> None:
    machines = Machines(MONITOR, tmp_path, monitor="running")
    both = WithLocalMonitor(Elsewhere(), local(machines), wanted=False)
    plan = both.plan()
    assert changes(plan) == [("keep", "checkbox-1"), ("remove", "monitor")]
    apply(both, plan)
    assert [machine.name for machine in both.settle(Progress(quiet=True))] == ["checkbox-1"]


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VagrantCloud, "is_there", lambda _: False)


@pytest.mark.usefixtures("nothing_here")
def test_vagrant_needs_no_file_and_takes_its_name_from_one_that_says_vagrant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(found := choose_cloud(None, "vagrant"), VagrantCloud)
    assert found.environment == "local"
    (file := tmp_path / "prod.yml").write_text("cloud: vagrant\nname: mine\n")
    for named, wanted in ((file, None), (file, "vagrant"), (None, None), (None, "vagrant")):
        assert isinstance(found := choose_cloud(named, wanted), VagrantCloud)
        assert found.environment == "mine"
    with pytest.raises(UsageError, match="says cloud: vagrant"):
        choose_cloud(file, "aws")


@pytest.mark.usefixtures("nothing_here")
def test_without_a_file_and_without_hosts_here_both_ways_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        choose_cloud(None, None)
    assert "cp prod.example.yml" in str(caught.value.hint)
    assert "--cloud vagrant" in str(caught.value.hint)


def test_without_a_file_the_hosts_that_are_here_are_meant_but_never_to_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(VagrantCloud, "is_there", lambda _: True)
    assert isinstance(choose_cloud(None, None), VagrantCloud)
    with pytest.raises(UsageError, match="nothing says which hosts are to be removed") as caught:
        choose_cloud(None, None, removes=True)
    assert "prod down --cloud vagrant" in str(caught.value.hint)
    assert isinstance(choose_cloud(None, "vagrant", removes=True), VagrantCloud)


@pytest.mark.parametrize("wanted", [None, "vagrant", "aws"])
def test_a_file_that_was_named_must_be_there_whatever_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str | None
) -> None:
    """A misspelt name must not mean the hosts on this machine."""
    monkeypatch.setattr(VagrantCloud, "is_there", lambda _: True)
    for removes in (False, True):
        with pytest.raises(ConfigError) as caught:
            choose_cloud(tmp_path / "prd.yml", wanted, removes=removes)
        assert caught.value.problems == (f"{tmp_path / 'prd.yml'}:1: there is no such file",)


def test_a_misspelt_key_of_local_production_is_told(tmp_path: Path) -> None:
    (file := tmp_path / "prod.yml").write_text("cloud: vagrant\nprovidr: lxc\n")
    with pytest.raises(ConfigError) as caught:
        choose_cloud(file, None)
    assert caught.value.problems == (f"{file}:2: unknown key 'providr': did you mean 'provider'?",)


def test_up_ends_with_what_to_type_next_and_where_the_password_is(tmp_path: Path) -> None:
    cloud = local(Machines(PRODUCTION, tmp_path, **dict.fromkeys(PRODUCTION.hosts, "running")))
    watched = Watched({"monitor": ["a", "b"]}, 31.2, 16, 10, ["itrust jmx", "itrust mtail"], Path("log"))
    text = "\n".join(up_lines(Path("my hosts.ini"), inventory_of(cloud.machines()), watched))
    assert "2 changes, 31 s; 10 of 16 targets answer; not yet: itrust jmx, mtail" in text
    assert "pipeline deploy iTrust -i 'my hosts.ini'" in text
    assert "pipeline prod open -i 'my hosts.ini'" in text
    assert "user pipeline, password: monitor_password in ~/.config/pipeline/secrets/local.yml" in text


def test_without_a_monitor_there_is_no_page_to_open() -> None:
    lines = up_lines(Path("inventory.ini"), Inventory({"checkbox": (Host("web", "192.0.2.1"),)}), None)
    assert "pipeline prod open" not in "\n".join(lines)


def test_the_last_inventory_is_kept_until_its_hosts_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.prod.inventory.state_directory", lambda: tmp_path)
    assert last_inventory() is None
    (file := tmp_path / "inventory.ini").write_text("")
    remember_inventory(file)
    forget_inventory(tmp_path / "other.ini")
    assert last_inventory() == file
    file.unlink()
    assert last_inventory() is None, "it was removed by hand"
    forget_inventory(file)
    assert [path.name for path in tmp_path.iterdir()] == []


def test_make_clean_removes_every_set_of_hosts_that_there_is_the_local_monitor_of_a_cloud_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (recipe,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if "lab down $$set" in line]
    wanted = recipe.partition("for set in ")[2].partition(";")[0].split()
    removed: list[HostSet] = []

    class Removed:
        def __init__(self, *given: Any) -> None:
            removed.append(given[3])

        def down(self) -> None:
            pass

    monkeypatch.setattr("pipeline.lab.lab.Lab", Removed)
    monkeypatch.setattr("pipeline.base.places.state_directory", lambda: tmp_path)
    assert [run(["lab", "down", name]) for name in wanted] == [0, 0, 0]
    assert removed == [*SETS.values(), MONITOR]
