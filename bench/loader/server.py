"""The server that all clients load: small, one process, and it knows when each request arrived."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final, Literal, cast

import numpy as np
import uvloop
from numpy.typing import NDArray

__all__ = ["BODY", "Server", "serving"]

BODY: Final = b"x" * 5474 + b"y"  # as long as the preview service's answer
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
)
_END: Final = b"\r\n\r\n"

_Command = tuple[Literal["forget", "freeze", "take", "arrivals"], float]


class Server:
    """A server in a process of its own.

    Attributes:
        port: of 127.0.0.1.
    """

    def __init__(self, commands: Connection) -> None:
        self._commands = commands
        self.port: int = commands.recv()

    @property
    def url(self) -> str:
        """What is asked for."""
        return f"http://127.0.0.1:{self.port}/"

    def forget(self) -> None:
        """Begins a new list of arrivals, and answers at once again."""
        self._ask("forget")
        self.take(0.0)

    def freeze(self, seconds: float) -> None:
        """Stands still from now on: nothing is read, nothing answered."""
        self._ask("freeze", seconds)

    def take(self, seconds: float) -> None:
        """Works that long on each request from now on, on one at a time; 0: not at all."""
        self._ask("take", seconds)

    def arrivals(self) -> NDArray[np.float64]:
        """When each request was read, in seconds of the monotonic clock, since `forget`."""
        found = np.frombuffer(self._ask("arrivals"), dtype=np.float64)
        return np.sort(found)

    def _ask(self, what: str, seconds: float = 0.0) -> bytes:
        self._commands.send((what, seconds))
        answer: bytes = self._commands.recv()
        return answer


@contextmanager
def serving() -> Iterator[Server]:
    """The server, for as long as the block lasts."""
    ours, theirs = multiprocessing.Pipe()
    # A daemon, so that it ends with this process however that ends.
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Server(ours)
    finally:
        process.terminate()
        process.join()


class _State:
    arrivals = array("d")
    seconds = 0.0


class _Protocol(asyncio.Protocol):
    """Answers each request without a body; what is in one read may be several."""

    def __init__(self, state: _State) -> None:
        self._state, self._left = state, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._left += data
        count = self._left.count(_END)
        if count == 0:
            return
        self._left = self._left[self._left.rindex(_END) + len(_END) :]
        now = time.monotonic()
        for _ in range(count):
            self._state.arrivals.append(now)
            if self._state.seconds:
                time.sleep(self._state.seconds)
            self._transport.write(_ANSWER)


def _run(commands: Connection) -> None:
    async def serve() -> None:
        state, loop = _State(), asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Protocol(state), "127.0.0.1", 0, backlog=4096)
        commands.send(server.sockets[0].getsockname()[1])
        loop.add_reader(commands.fileno(), _obey, commands, state)
        await asyncio.Event().wait()

    uvloop.run(serve())


def _obey(commands: Connection, state: _State) -> None:
    command: _Command = commands.recv()
    what, seconds = command
    commands.send(bytes(state.arrivals) if what == "arrivals" else b"")
    if what == "forget":
        state.arrivals = array("d")
    elif what == "freeze":
        time.sleep(seconds)
    elif what == "take":
        state.seconds = seconds
