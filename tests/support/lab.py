"""What lab tests are written with: a command that ended, a host as testinfra sees it, a service as a repository."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import testinfra  # type: ignore[import-untyped] # testinfra publishes no types

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT, SERVICES
from pipeline.canary.proxy import Proxy, connected_proxy
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.lab.lab import Lab
from pipeline.lab.sets import HostSet

__all__ = [
    "IDENTITY",
    "PROVIDER",
    "Command",
    "Ended",
    "active_colour",
    "another_checkout",
    "changed",
    "lab_up",
    "plain_pyinfra",
    "repository_of",
    "seen_by_testinfra",
    "write_alone",
]

IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
PROVIDER = os.environ.get("PIPELINE_TEST_PROVIDER")


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What it printed with --json."""
        document: dict[str, Any] = json.loads(self.out)
        return document


Command = Callable[..., Ended]


def another_checkout(path: Path) -> Path:
    """A copy of this checkout at `path`, which must not be there yet: it has hosts of its own, and none yet."""
    anywhere = shutil.ignore_patterns("node_modules", ".*_cache", "__pycache__")
    at_the_top = {".git", ".venv", ".vagrant", ".pipeline", "runs"}  # pipeline/runs is code

    def not_copied(directory: str, names: list[str]) -> set[str]:
        return anywhere(directory, names) | (at_the_top if Path(directory) == ROOT else set())

    return Path(shutil.copytree(ROOT, path, ignore=not_copied, ignore_dangling_symlinks=True))


def lab_up(host_set: HostSet, was_up: bool | None = None, checkout: Path = ROOT) -> Iterator[Lab]:
    """These hosts of a checkout, up; afterwards removed again, unless they were up before."""
    machine = Lab(checkout, PROVIDER, lambda _: None, host_set)
    was_up = machine.is_up() if was_up is None else was_up
    machine.up()
    yield machine
    if not was_up:
        machine.down()


def write_alone(group: str, hosts: Inventory, directory: Path) -> tuple[Host, Path]:
    """The host of a group, and an inventory of it alone; its secrets are kept in `directory`/secrets."""
    host = hosts.one(group)
    data = {**host.data, "secrets_directory": str(directory / "secrets")}
    path = directory / "hosts.ini"
    write_inventory(Inventory({group: (replace(host, data=data),)}), path)
    return host, path


def changed(ended: Ended) -> list[str]:
    """The operations that changed something on the one host of a deploy that ended well."""
    assert ended.code == Exit.OK, ended.err
    (told,) = ended.json["hosts"]
    operations: list[str] = told["operations"]
    return operations


def plain_pyinfra(inventory: Path, deploy: str, *data: str) -> subprocess.Popen[str]:
    """A deploy (`itrust`, ...) by pyinfra without `pipeline`, with `data` as NAME=VALUE; both outputs in one."""
    command = [sys.executable, "-m", "pyinfra", "-y", str(inventory), f"deploys/{deploy}.py"]
    return subprocess.Popen(
        [*command, *(word for pair in data for word in ("--data", pair))],
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def active_colour(lab: Lab) -> str:
    """Where HAProxy sends requests now: blue, green or both."""

    async def ask() -> str:
        async with connected_proxy(lab.inventory(), lab.known_hosts) as connection:
            return await Proxy(connection).active()

    return asyncio.run(ask())


def repository_of(service: str, path: Path, branch: str) -> Path:
    """A bundled service as a repository with one commit, at `path`, which must not be there yet."""
    built = shutil.ignore_patterns("node_modules", "target", ".settings")
    shutil.copytree(SERVICES / service, path, ignore=built)
    for arguments in (["init", "-q", "-b", branch], ["add", "."], ["commit", "-qm", "One"]):
        subprocess.run(["git", "-C", str(path), *IDENTITY, *arguments], check=True)
    return path


def seen_by_testinfra(inventory: Inventory, config: Path) -> dict[str, Any]:
    """testinfra's handles by name; `config` becomes the SSH configuration behind them."""
    config.write_text("".join(_ssh_config(host) for host in inventory))
    return {
        host.name: testinfra.get_host(f"ssh://{host.name}?controlpersist=60", ssh_config=str(config))
        for host in inventory
    }


def _ssh_config(host: Host) -> str:
    return (
        f"Host {host.name}\n  HostName {host.address}\n  Port {host.port}\n  User {host.user}\n"
        f"  IdentityFile {host.key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {host.known_hosts}\n"
    )
