"""A fault of one host or its network is never the canary's: the run is refused or invalid, and the host is named."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.remote.ask import ask
from tests.support.lab import IDENTITY, Command, Ended

# Whole proofs, minutes each: `make faults` runs them, `make test` has a row of each kind.
pytestmark = pytest.mark.faults

Broken = Callable[..., AbstractContextManager[None]]
SHORT = ("--duration", "5s", "--warmup", "1s", "--json")

# What breaks a host, what puts it right again, and what is then told.
FULL = (
    "mkdir -p /srv/canary && mount -t tmpfs -o size=8m full /srv/canary",
    "umount /srv/canary",
    "its disk is full: /srv/canary has ",
)
NO_REGISTRY = (
    "nft 'add table inet fault; add chain inet fault out { type filter hook output priority 0; };"
    " add rule inet fault out tcp dport { 80, 443 } reject with tcp reset'",
    "nft delete table inet fault",
    "its registry for npm, {registry}, cannot be reached",
)
NO_NAMES = (
    "cp /etc/resolv.conf /etc/resolv.conf.kept && echo nameserver 127.0.0.9 >/etc/resolv.conf",
    "mv /etc/resolv.conf.kept /etc/resolv.conf",
    "Could not resolve host: {host}",
)
OTHER_REGISTRY = (
    "echo registry=http://user:hunter2@127.0.0.1:9/of-the-host/ >/etc/npmrc",
    "rm /etc/npmrc",
    "its registry for npm, http://127.0.0.1:9/of-the-host/, cannot be reached",
)
OTHER_INDEX = (
    "printf '[global]\nindex-url = http://user:hunter2@127.0.0.1:9/simple/\n' >/etc/pip.conf",
    "rm /etc/pip.conf",
    "its registry for pip, http://127.0.0.1:9/simple/, cannot be reached",
)
HELD = (
    "systemctl stop canary; systemd-run -q --unit=holder -p Type=exec python3 -m http.server 3000; sleep 2",
    "systemctl stop holder",
    "its port 3000, which the service needs, is held by python3",
)

CUT_OFF = (
    "nft 'add table inet fault; add chain inet fault in { type filter hook input priority 0; };"
    ' add rule inet fault in iif != "lo" tcp dport 3000 drop\'',
    "nft delete table inet fault",
    "its service cannot be reached from proxy at ",
)


@pytest.fixture(scope="module")
def broken(inventory: Inventory, pipeline: Command) -> Broken:  # noqa: ARG001 - the lab must be up
    """Hosts that are broken for as long as a `with` lasts: `with broken(FULL, "green")`."""

    def root(host: str, command: str) -> None:
        machine = inventory.one(host)
        assert machine.known_hosts is not None
        answer = ask(machine, "sudo sh -s", known_hosts=machine.known_hosts, seconds=60, stdin=command)
        assert answer.status == 0, answer

    @contextmanager
    def breaking(fault: tuple[str, str, str], *hosts: str) -> Iterator[None]:
        for host in hosts:
            root(host, fault[0])
        try:
            yield
        finally:
            for host in hosts:
                root(host, fault[1])

    return breaking


@pytest.fixture(scope="module")
def registry(inventory: Inventory, deployed: dict[str, str]) -> str:  # noqa: ARG001 - npm must be there
    """The registry that npm on green asks, without its settings."""
    green = inventory.one("green")
    assert green.known_hosts is not None
    answer = ask(green, "cd / && npm config get registry", known_hosts=green.known_hosts, seconds=60)
    assert answer.stdout.startswith("http"), answer
    return answer.stdout.strip()


@pytest.fixture
def profile(tmp_path: Path) -> Callable[..., Path]:
    """The preview's profile with an environment that no host has seen, so that both versions are installed anew."""

    def write(install: list[list[str]] | None = None, packages: str = "") -> Path:
        text = (ROOT / "profiles" / "preview.yml").read_text()
        text = text.replace("packages: [", f"packages: [{packages}")
        text = text.replace("environment:\n", f"environment:\n  ANEW: {secrets.token_hex(8)}\n")
        line = next(line for line in text.splitlines() if line.startswith("install:"))
        text = text if install is None else text.replace(line, f"install: {json.dumps(install)}")
        path = tmp_path / "preview.yml"
        path.write_text(text)
        return path

    return write


def refused_before_installing(ended: Ended, why: str) -> None:
    assert ended.code == Exit.ENVIRONMENT, ended
    error = ended.json["error"]["message"]
    assert error.startswith("green: "), error
    assert why in error
    log = Path(ended.json["error"]["hint"].rpartition(" ")[2]).read_text()
    assert "host: disk, port and registry" in log
    assert "service install" not in log
    assert "hunter2" not in ended.out + ended.err + log


def reasons(ended: Ended) -> str:
    return " ".join(ended.json["reasons"])


@pytest.mark.parametrize(
    "fault",
    [FULL, NO_REGISTRY, OTHER_REGISTRY, NO_NAMES, HELD],
    ids=["disk", "registry", "registry of its settings", "names", "port"],
)
def test_a_fault_of_the_canarys_host_refuses_the_run_before_either_version_is_installed(
    fault: tuple[str, str, str],
    broken: Broken,
    registry: str,
    profile: Callable[..., Path],
    pipeline: Command,
    samples: Path,
) -> None:
    with broken(fault, "green"):
        ended = pipeline(
            "canary", "master", "slow", "--repo", str(samples), "--profile", str(profile()), *SHORT
        )
    refused_before_installing(ended, fault[2].format(registry=registry, host=urlsplit(registry).hostname))


def test_the_index_that_pip_of_a_host_has_in_its_settings_is_asked_before_anything_is_installed(
    broken: Broken, profile: Callable[..., Path], pipeline: Command, samples: Path
) -> None:
    install = [["python3", "-m", "venv", ".venv"], [".venv/bin/pip", "install", "six"]]
    with broken(OTHER_INDEX, "green"):
        ended = pipeline(
            "canary", "master", "slow", "--repo", str(samples),
            "--profile", str(profile(install, "python3-venv, ")), *SHORT
        )  # fmt: skip
    refused_before_installing(ended, OTHER_INDEX[2])


def test_a_canary_that_the_network_hides_from_the_proxy_is_not_blamed(
    broken: Broken, pipeline: Command, samples: Path
) -> None:
    with broken(CUT_OFF, "green"):
        ended = pipeline("canary", "master", "slow", "--repo", str(samples), *SHORT)
    assert ended.code == Exit.ENVIRONMENT, ended
    assert ended.json["error"]["message"].startswith(f"green: {CUT_OFF[2]}"), ended


def test_with_both_hosts_hit_the_order_of_the_inventory_does_not_matter(
    broken: Broken,
    profile: Callable[..., Path],
    pipeline: Command,
    samples: Path,
    inventory: Inventory,
    tmp_path: Path,
) -> None:
    file = tmp_path / "inventory.ini"
    green_first = {name: inventory.groups[name] for name in ("green", "blue", "proxy")}
    write_inventory(Inventory(green_first), file)
    arguments = ("canary", "master", "slow", "--repo", str(samples), "-i", str(file), *SHORT)
    with broken(NO_REGISTRY, "blue", "green"):
        ended = pipeline(*arguments, "--profile", str(profile()))
    assert ended.code == Exit.ENVIRONMENT, ended
    assert ended.json["error"]["message"].startswith("blue and green: its registry"), ended
    ended = pipeline(*arguments, "--profile", str(profile([["false"]])))
    assert ended.code == Exit.INVALID, ended
    assert "the baseline did not install" in reasons(ended)


def test_a_disk_that_fills_while_only_the_canarys_host_installs_is_not_its_fault(
    broken: Broken, profile: Callable[..., Path], pipeline: Command, samples: Path
) -> None:
    small = (FULL[0].replace("size=8m", "size=80m"), FULL[1], "")
    install = [["sh", "-c", "head -c 90000000 /dev/zero >big && rm big"]]
    with broken(small, "green"):
        ended = pipeline(
            "canary", "master", "slow", "--repo", str(samples), "--profile", str(profile(install)), *SHORT
        )
    assert ended.code == Exit.INVALID, ended
    assert "green" in reasons(ended)
    assert "No space left on device" in reasons(ended)


def test_where_doubt_remains_the_baselines_commit_is_tried_on_the_canarys_host(
    profile: Callable[..., Path], pipeline: Command, samples: Path
) -> None:
    install = [["sh", "-c", 'test "$(hostname)" != green']]
    ended = pipeline(
        "canary", "master", "slow", "--repo", str(samples), "--profile", str(profile(install)), *SHORT
    )
    assert ended.code == Exit.INVALID, ended
    assert "the baseline's commit does not come up there, either: green" in reasons(ended)


def test_a_canary_whose_own_dependency_is_not_there_has_failed_and_the_baseline_came_up_on_its_host(
    pipeline: Command, samples: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "clone", "-q", str(samples), str(repository)], check=True)
    package = json.loads((repository / "package.json").read_text())
    package["dependencies"]["no-such-package-of-the-pipelines-tests"] = "1.0.0"
    (repository / "package.json").write_text(json.dumps(package))
    (repository / "package-lock.json").unlink()
    subprocess.run(["git", "-C", str(repository), *IDENTITY, "commit", "-qam", "One more"], check=True)
    ended = pipeline("canary", "HEAD~1", "HEAD", "--repo", str(repository), *SHORT)
    assert ended.code == Exit.FAILED, ended
    assert "the canary did not install" in reasons(ended)
    assert "the baseline's commit came up on the same host" in reasons(ended)
