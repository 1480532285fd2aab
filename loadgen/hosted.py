"""A Dask worker on a host that somebody else has: it lives while its input is held, and leaves nothing behind.

Started over SSH, it says which port of loopback it will listen on, then reads one line, its `Orders`: where the
scheduler is, and the certificates for this run. Those are in no argument, no environment and no file that stays. From
then on each line says that somebody is there. It ends when the input does, when no line comes for half a minute (a
machine that lost its power says no farewell), or when the scheduler is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import warnings
from dataclasses import asdict, dataclass
from typing import Final

import dask
from distributed import Security, Worker
from distributed.versions import VersionMismatchWarning

__all__ = ["BEAT_SECONDS", "Orders", "main", "program"]

BEAT_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 30.0
_CLOSE_SECONDS: Final = 3.0
_REGISTER_SECONDS: Final = 30.0
_LONGEST_LINE: Final = 1 << 20
_LOOPBACK: Final = "127.0.0.1"
_MEMORY: Final = "/dev/shm"  # noqa: S108 # a file system in memory, in which a directory of our own is made


@dataclass(frozen=True)
class Orders:
    """What a worker must know.

    Attributes:
        name: The worker's, as results name it.
        scheduler: Its address, as seen from the worker.
        contact: The worker's own, as seen from the scheduler.
        ca: The certificate that all others of this run are checked by; this and the next two as PEM.
        cert: The worker's.
        key: Its key.
    """

    name: str
    scheduler: str
    contact: str
    ca: str
    cert: str
    key: str

    def line(self) -> str:
        """As it is sent."""
        return json.dumps(asdict(self)) + "\n"

    def security(self) -> Security:
        """Everybody who connects, or is connected to, shows a certificate of this run."""
        return Security(
            require_encryption=True,
            tls_ca_file=self.ca,
            tls_worker_cert=self.cert,
            tls_worker_key=self.key,
            tls_client_cert=self.cert,
            tls_client_key=self.key,
        )


def program() -> str:
    """What `python3 -I -c` is given, with the directory as argument in which this package is."""
    return "import sys; sys.path.insert(0, sys.argv[1]); from loadgen.hosted import main; main()"


def main() -> None:
    """All of its life. Ends the process."""
    # A terminal that closes, or Ctrl-C on one: whoever holds the input says when it is over.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=VersionMismatchWarning)
    within = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="loadgen-", dir=within) as directory:
        tempfile.tempdir = directory  # where Dask puts the key for the moment in which OpenSSL reads it
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            asyncio.run(_work(directory))
        except SystemExit:  # SIGTERM
            pass
        except (OSError, ValueError, RuntimeError) as problem:
            why = problem.__cause__ or problem  # Dask's own says only that it did not start
            _say(failed=" ".join(f"{type(why).__name__}: {why}".split()))
    # The shards' own processes end with this one, and Dask's threads are not waited for.
    os._exit(0)


def _say(**facts: object) -> None:
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), (json.dumps(facts) + "\n").encode())


async def _work(directory: str) -> None:
    lines = asyncio.StreamReader(limit=_LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    with socket.create_server((_LOOPBACK, 0)) as probe:
        port = probe.getsockname()[1]
    _say(port=port, pid=os.getpid(), directory=directory)
    first = await _line(lines)
    if not first:
        return
    orders = Orders(**json.loads(first))
    with dask.config.set({"distributed.worker.http.routes": []}):
        worker = Worker(
            orders.scheduler,
            name=orders.name,
            nthreads=1,
            memory_limit=0,
            host=_LOOPBACK,
            port=port,
            protocol="tls",
            contact_address=orders.contact,
            dashboard_address=f"{_LOOPBACK}:0",
            dashboard=False,
            security=orders.security(),
            local_directory=directory,
            death_timeout=_REGISTER_SECONDS,
        )
        try:
            await worker
            _say(ready=True)
            held = asyncio.create_task(_held(lines))
            over = asyncio.create_task(worker.finished())
            await asyncio.wait((held, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await worker.close(timeout=1, executor_wait=False, nanny=False)


async def _line(lines: asyncio.StreamReader) -> bytes:
    """The next line; empty where nobody is there any more."""
    try:
        async with asyncio.timeout(_SILENT_SECONDS):
            return await lines.readline()
    except TimeoutError:
        return b""


async def _held(lines: asyncio.StreamReader) -> None:
    while await _line(lines):
        pass
