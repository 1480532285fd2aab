"""A Dask cluster for one run: its scheduler in this process, a worker on each host.

Dask's own SSHCluster would do less well here: it starts workers through a second SSH client with settings of its own,
gives them this user's whole Dask configuration as an argument, and has them listen to the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dask
from distributed import Scheduler, Security

from loadgen.hosted import BEAT_SECONDS
from pipeline.base.interrupt import uninterrupted
from pipeline.inventory.hosts import Host
from pipeline.load.certificates import Authority
from pipeline.load.worker import HostedWorker
from pipeline.remote.ssh import Connection

__all__ = ["Cluster", "cluster", "scheduler"]

_LOOPBACK: Final = "127.0.0.1"
_ENDS_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Cluster:
    """Where its scheduler is, and the files that a client shows and checks certificates by."""

    address: str
    ca: Path
    cert: Path
    key: Path


@asynccontextmanager
async def cluster(
    hosts: Sequence[Host],
    directories: Mapping[str, str],
    private: Path,
    known_hosts: Path,
    say: Callable[[str], None],
) -> AsyncIterator[Cluster]:
    """A worker on each host. Whatever happens inside, afterwards none is there any more, nor any of their keys.

    Args:
        hosts: The hosts, each once.
        directories: Where the loader is on each, by its name.
        private: A directory that only this user can enter; the keys of this machine go there.
        known_hosts: The file of host keys, for hosts that name none of their own.
        say: Gets what could not be cleaned up.

    Raises:
        HostError: A host cannot be reached, or no worker starts there.
    """
    authority = Authority()
    async with (
        scheduler(authority, private) as port,
        _connections(hosts, private, known_hosts) as connections,
    ):
        workers = [HostedWorker(each, directories[each.host.name]) for each in connections]
        try:
            await _all(worker.start(port, authority) for worker in workers)
            holding = asyncio.create_task(_hold(workers))
            try:
                yield Cluster(f"tls://{_LOOPBACK}:{port}", *_files(authority, "loader", private))
            finally:
                holding.cancel()
        finally:
            with uninterrupted("ending the workers"):
                for wrong in await asyncio.gather(*(worker.close() for worker in workers)):
                    if wrong:
                        say(wrong)


@asynccontextmanager
async def scheduler(authority: Authority, private: Path) -> AsyncIterator[int]:
    """The scheduler; gives its port on loopback. Its key goes into `private`."""
    # What matters is told by the loader, in its words; and not which ssh was ended while it began.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    ca, cert, key = map(str, _files(authority, "scheduler", private))
    security = Security(
        require_encryption=True, tls_ca_file=ca, tls_scheduler_cert=cert, tls_scheduler_key=key
    )
    with dask.config.set({"distributed.scheduler.http.routes": []}):
        found = Scheduler(
            host=_LOOPBACK,
            port=0,
            protocol="tls",
            security=security,
            dashboard_address=f"{_LOOPBACK}:0",
            dashboard=False,
        )
        await found
    try:
        yield found.port
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_SECONDS):
                await found.close()


@asynccontextmanager
async def _connections(
    hosts: Sequence[Host], private: Path, known_hosts: Path
) -> AsyncIterator[list[Connection]]:
    found = [Connection(host, _own(private, number), known_hosts) for number, host in enumerate(hosts)]
    try:
        await _all(each.open({}) for each in found)
        yield found
    finally:
        await asyncio.gather(*(each.close() for each in found))


def _own(private: Path, number: int) -> Path:
    """A directory for one host's sockets, as names of hosts may begin alike."""
    path = private / str(number)
    path.mkdir(mode=0o700)
    return path


async def _all(tasks: Iterable[Awaitable[None]]) -> None:
    """All of them at once. The first failure, in their order, is raised when none is under way any more."""
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def _hold(workers: Sequence[HostedWorker]) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        for worker in workers:
            await worker.hold()


def _files(authority: Authority, name: str, private: Path) -> tuple[Path, Path, Path]:
    """Three files for one end: the authority's certificate, its own, and its key."""
    own = authority.certificate(name)
    paths = (private / "ca.pem", private / f"{name}.pem", private / f"{name}-key.pem")
    for path, text in zip(paths, (authority.pem, own.cert, own.key), strict=True):
        path.touch(mode=0o600)
        path.write_text(text)
    return paths
