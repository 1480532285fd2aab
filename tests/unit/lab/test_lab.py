"""The bookkeeping of the lab: what is found, reused, refused and removed. No Vagrant, no containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import HostError, LabError
from pipeline.inventory.hosts import Host
from pipeline.lab import lab as module
from pipeline.lab import lxc, record
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY, PRODUCTION, HostSet


@pytest.mark.parametrize(
    ("host_set", "hint"), [(CANARY, "pipeline lab up"), (PRODUCTION, "pipeline lab up production")]
)
def test_hosts_that_were_never_up_are_not_there(machine: Path, host_set: HostSet, hint: str) -> None:
    lab = Lab(machine / "checkout", None, pytest.fail, host_set)
    assert not lab.is_up()
    assert lab.status() == [(name, "not_created", "") for name in host_set.hosts]
    with pytest.raises(LabError, match="not up") as caught:
        lab.inventory()
    assert caught.value.hint == hint
    with pytest.raises(LabError, match=f"no host '{host_set.hosts[0]}'"):
        lab.ssh_command(host_set.hosts[0])


def test_down_without_a_lab_calls_nothing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine / "empty"))
    Lab(machine / "checkout", None, pytest.fail).down()


def test_a_lab_on_one_provider_is_not_taken_for_another(machine: Path) -> None:
    state = machine / ".pipeline"
    state.mkdir()
    record.write(state / "lab.json", "lxc", {}, [Host("blue", "192.0.2.1", key=Path("k"))])
    with pytest.raises(LabError, match="already") as caught:
        Lab(machine, "virtualbox", pytest.fail).up()
    assert caught.value.hint == "pipeline lab down"


def test_a_killed_up_is_remembered_until_down(machine: Path) -> None:
    # It had started lxcbr0 and lxcfs, and came to no container.
    lxc.SHARED.mkdir()
    prefix = CANARY.prefix(machine)
    (lxc.SHARED / f"user-{prefix}").touch()
    (lxc.SHARED / f"slot-{prefix}").touch()
    lab = Lab(machine, None, pytest.fail)
    assert lab.provider == "lxc"
    lab.down()
    assert [path.name for path in lxc.SHARED.iterdir()] == ["lock"]


def test_a_host_that_has_data_and_another_key_is_not_trusted_again(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(machine, None, pytest.fail, PRODUCTION)
    hosts = [
        Host(name, "192.0.2.1", at, "vagrant", Path("k")) for at, name in enumerate(PRODUCTION.hosts, 22)
    ]
    lab.state.mkdir(parents=True)
    lab.known_hosts.write_text("")
    record.write(lab.state / "lab.json", "virtualbox", lab._settings("virtualbox"), hosts)
    for name in PRODUCTION.hosts:
        (
            identity := machine / ".vagrant" / PRODUCTION.folder / "machines" / name / "virtualbox" / "id"
        ).parent.mkdir(parents=True)
        identity.touch()
    said = "SSH at 192.0.2.1:22: Host key verification failed."
    answers = {name: HostError(name, said) if name == "checkbox" else 1 for name in PRODUCTION.hosts}
    monkeypatch.setattr(module, "memories", lambda *_: answers)
    with pytest.raises(LabError, match="checkbox: its SSH host key is not the one that it had") as caught:
        lab.up()
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("without its data")
    assert lab.known_hosts.exists()
