"""A Dask worker on one host, over SSH: `loadgen/hosted.py` there, which lives as long as its input is held.

Neither the scheduler nor the worker listens to a network: each is on loopback, and SSH leads from one to the other. So
nothing but port 22 has to be open, and no address of this machine has to be reachable from the hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import AsyncExitStack
from typing import Any, Final

from loadgen.hosted import Orders, program
from pipeline.base.errors import HostError
from pipeline.base.text import printable
from pipeline.load.certificates import Authority
from pipeline.remote.ssh import Connection

__all__ = ["HostedWorker"]

_BEGINS_SECONDS: Final = 60.0  # a busy host imports Dask for the first time
_ENDS_SECONDS: Final = 8.0
_LONGEST_LINE: Final = 2000
# A directory that it would have removed itself; and before that itself, where it does not end.
_REMOVE: Final = 'rm -rf -- "$1"'
_KILL: Final = 'kill -KILL "$2" 2>/dev/null; '


class HostedWorker:
    """The worker on the host of `connection`, which is open. `directory` is where the loader is there."""

    def __init__(self, connection: Connection, directory: str) -> None:
        self.name = connection.host.name
        self._connection = connection
        self._directory = directory
        self._stack = AsyncExitStack()
        self._stdin: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._words = ""
        self._begun: dict[str, Any] = {}

    async def start(self, scheduler: int, authority: Authority) -> None:
        """Start it, until the scheduler knows it. `scheduler` is that one's port on this machine's loopback.

        Raises HostError.
        """
        command = ["python3", "-I", "-c", program(), self._directory]
        lent = await self._connection.lend(scheduler)
        started = self._connection.started(command, stderr=asyncio.subprocess.STDOUT)
        stdin, stdout = await self._stack.enter_async_context(started)
        self._stdin = stdin
        self._listening = asyncio.create_task(self._listen(stdout))
        self._begun = await self._told("port")
        here = await self._connection.reach(int(self._begun["port"]))
        own = authority.certificate(self.name)
        orders = Orders(
            name=self.name,
            scheduler=f"tls://127.0.0.1:{lent}",
            contact=f"tls://127.0.0.1:{here}",
            ca=authority.pem,
            cert=own.cert,
            key=own.key,
        )
        stdin.write(orders.line().encode())
        await self._told("ready")

    async def _told(self, what: str) -> dict[str, Any]:
        """Its next message, which has `what`."""
        try:
            async with asyncio.timeout(_BEGINS_SECONDS):
                said = await self._said.get()
        except TimeoutError:
            said = {"failed": f"not ready within {_BEGINS_SECONDS:g} s"}
        if what not in said:
            why = printable(str(said.get("failed") or self._words or "it said nothing"), 300)
            raise HostError(self.name, f"its Dask worker does not start: {why}")
        return said

    async def _listen(self, stdout: asyncio.StreamReader) -> None:
        """Reads to the end, which is the process's own: what it says, and the last of what it complains of."""
        with contextlib.suppress(ConnectionError, ValueError):
            async for line in stdout:
                text = line.decode(errors="replace").strip()
                try:
                    said = json.loads(text)
                except ValueError:
                    self._words = text[:_LONGEST_LINE] or self._words
                    continue
                if isinstance(said, dict):
                    self._said.put_nowait(said)
        self._said.put_nowait({})

    async def hold(self) -> None:
        """Say that somebody is here."""
        if self._stdin is not None:
            with contextlib.suppress(ConnectionError):
                self._stdin.write(b"\n")
                await self._stdin.drain()

    async def close(self) -> str:
        """End it, and remove what it might leave. Gives what went wrong, or nothing."""
        wrong = ""
        if self._stdin is not None and self._listening is not None:
            self._stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ENDS_SECONDS):
                    await asyncio.shield(self._listening)
            wrong = await self._removed()
            self._listening.cancel()
        await self._stack.aclose()
        return wrong

    async def _removed(self) -> str:
        """Remove its directory, which is gone already where it ended in order; and itself, where it did not end."""
        if not self._begun:
            return ""
        if not self._connection.alive:
            return f"{self.name}: the SSH connection was lost; its worker ends by itself within half a minute"
        ended = self._listening is not None and self._listening.done()
        script = _REMOVE if ended else _KILL + _REMOVE
        words = [str(self._begun["directory"]), str(int(self._begun["pid"]))]
        try:
            await self._connection.run(["sh", "-c", script, "sh", *words], timeout_s=_ENDS_SECONDS)
        except HostError as problem:
            return problem.message
        return ""
