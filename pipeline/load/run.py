"""`pipeline load`: what was asked is checked, the hosts get the loader, it sends from them, and no worker stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import loadgen
from pipeline.base.console import Progress, Steps
from pipeline.base.errors import HostError, UsageError
from pipeline.base.interrupt import run_async
from pipeline.base.lock import inventory_lock
from pipeline.base.places import DEPLOYS, log_file, state_directory
from pipeline.base.private import private_directory
from pipeline.base.text import plural
from pipeline.inventory.hosts import Host, Inventory
from pipeline.load.child import check, send
from pipeline.load.cluster import cluster
from pipeline.load.group import GROUP, loader_hosts
from pipeline.remote.provision import provision

__all__ = ["Asked", "Place", "Sent", "look", "run"]

_DEPLOY: Final = DEPLOYS / "loader.py"
_PUT_SECONDS: Final = 1800.0  # 14 MB for each host, over a slow line
_OUTPUTS: Final = ("--json-out", "--events")


@dataclass(frozen=True)
class Asked:
    """What the command was given. `arguments` are the loader's; `as_json`: its summary is wanted as a document."""

    inventory: Path
    arguments: tuple[str, ...]
    as_json: bool = False


@dataclass(frozen=True)
class Place:
    """Where the loader is on a host. `put`: it was not there before, or would have to be put there."""

    host: Host
    directory: str
    put: bool


@dataclass(frozen=True)
class Sent:
    """How the loader ended, and its summary where that was asked for and there is one."""

    code: int
    summary: dict[str, Any] | None = None


def look(asked: Asked, progress: Progress) -> list[Place]:
    """What would be put where: changes nothing. Raises PipelineError as `run` does."""
    hosts = _checked(asked)
    with inventory_lock(state_directory(), asked.inventory):
        return _places(hosts, progress, dry_run=True)


def run(asked: Asked, progress: Progress) -> Sent:
    """Send the load from all hosts of the group.

    Raises:
        UsageError: The arguments, or the inventory.
        HostError: A host cannot be reached, or cannot run the loader: nothing was sent.
        ProvisionError: The same, where it is not one host's.
        LockedError: Another command is at these hosts.
        KeyboardInterrupt: It was ended before the loader began.
    """
    hosts = _checked(asked)
    state = state_directory()
    sent: list[Sent] = []
    with inventory_lock(state, asked.inventory), private_directory() as private:
        places = _places(hosts, progress)
        try:
            run_async(_send(asked, places, private, progress, sent))
        except KeyboardInterrupt:
            if not sent:
                raise
    return sent[0]


def _checked(asked: Asked) -> tuple[Host, ...]:
    hosts = loader_hosts(asked.inventory)
    own = (word.partition("=")[0] for word in asked.arguments)
    if asked.as_json and (other := next((word for word in own if word in _OUTPUTS), None)):
        raise UsageError(f"--json and {other}: one of them")
    check(asked.arguments)
    return hosts


def _places(hosts: Sequence[Host], progress: Progress, *, dry_run: bool = False) -> list[Place]:
    """Put the loader on the hosts, or only see where it is not."""
    names = ", ".join(host.name for host in hosts)
    progress.say(f"{'looking for' if dry_run else 'putting'} the loader on {names}")
    with Steps(progress, plural(len(hosts), "host")) as steps:
        steps.begin("connecting")
        done = provision(
            Inventory({GROUP: tuple(hosts)}),
            _DEPLOY,
            {host.name: {"loader": str(Path(loadgen.__file__).parent)} for host in hosts},
            log=log_file("loader", hosts[0].name),
            known_hosts=_known_hosts(),
            say=steps.begin,
            dry_run=dry_run,
            timeout=_PUT_SECONDS,
        )
    return [
        Place(host, _directory(host, done.reports.get(host.name, ())), bool(done.changes[host.name]))
        for host in hosts
    ]


def _directory(host: Host, reports: Sequence[object]) -> str:
    found = next((each["directory"] for each in reports if isinstance(each, dict)), None)
    if not isinstance(found, str):
        raise HostError(host.name, "the deploy of the loader does not say where it is")
    return found


def _known_hosts() -> Path:
    return state_directory() / "known_hosts"


async def _send(
    asked: Asked, places: Sequence[Place], private: Path, progress: Progress, sent: list[Sent]
) -> None:
    """Appends how the loader ended, once it has."""
    hosts = [place.host for place in places]
    directories = {place.host.name: place.directory for place in places}
    progress.say(f"starting {plural(len(hosts), 'worker')}, one on each host")
    async with cluster(hosts, directories, private, _known_hosts(), progress.say) as found:
        progress.end()
        if not asked.as_json:
            sent.append(Sent(await send(asked.arguments, found)))
            return
        path = private / "summary.json"
        code = await send([*asked.arguments, f"--json-out={path}"], found, stdout=asyncio.subprocess.DEVNULL)
        sent.append(Sent(code, json.loads(path.read_text()) if path.is_file() else None))
