"""Shards that are processes of this machine, each with a pipe to it and one from it that nobody else has."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from types import TracebackType
from typing import Final, NamedTuple, cast

from loadgen.child import command
from loadgen.plan import Plan
from loadgen.shard import HEADER, STOP, Ended, Failed, Message, Order, frame, opened

__all__ = ["Processes", "why_ended"]

_ENDS_SECONDS: Final = 2.0  # after its input has ended; then it is killed
_SAID: Final = 4_000  # bytes of its last words


class Processes:
    """See Shards."""

    lead = 1.0

    def __init__(self, parts: Sequence[Plan], *, first: bool, rows: bool) -> None:
        self._orders = [Order(plan, first, rows) for plan in parts]
        self._children: list[_Child] = []
        self._listening: list[asyncio.Task[None]] = []
        self._said: asyncio.Queue[tuple[int, Message]] = asyncio.Queue()
        self.where = [f"process {number + 1}" for number in range(len(parts))]

    async def __aenter__(self) -> Processes:
        try:
            for number, order in enumerate(self._orders):
                child = await _started()
                self._children.append(child)
                self.where[number] = f"process {child.process.pid}"
                self._listening.append(asyncio.create_task(self._listen(number, child)))
                self._say(child, frame(order))
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.stdin.close()
        if self._listening:
            await asyncio.wait(self._listening, timeout=_ENDS_SECONDS)
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                child.process.kill()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*(child.process.wait() for child in self._children))

    async def next(self) -> tuple[int, Message]:
        return await self._said.get()

    async def begin(self, start_at: float) -> None:
        for child in self._children:
            self._say(child, frame(start_at))

    async def stop(self) -> None:
        for child in self._children:
            self._say(child, STOP)

    def facts(self, number: int) -> dict[str, object]:  # noqa: ARG002 # the interface's
        return {}

    def _say(self, child: _Child, data: bytes) -> None:
        if child.process.returncode is None and not child.stdin.is_closing():
            child.stdin.write(data)

    async def _listen(self, number: int, child: _Child) -> None:
        words = asyncio.ensure_future(_last_words(child.stderr))
        message: Message | None = None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not isinstance(message, Ended | Failed):
                (size,) = HEADER.unpack(await child.stdout.readexactly(HEADER.size))
                message = opened(await child.stdout.readexactly(size))
                self._said.put_nowait((number, message))
        said = await words
        code = await child.process.wait()
        if not isinstance(message, Ended | Failed):
            self._said.put_nowait((number, Failed(why_ended(code, said))))


class _Child(NamedTuple):
    """A process with its pipes."""

    process: asyncio.subprocess.Process
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader


async def _started() -> _Child:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command(), stdin=pipe, stdout=pipe, stderr=pipe)
    return _Child(
        process,
        cast("asyncio.StreamWriter", process.stdin),
        cast("asyncio.StreamReader", process.stdout),
        cast("asyncio.StreamReader", process.stderr),
    )


async def _last_words(stream: asyncio.StreamReader) -> bytes:
    said = b""
    while more := await stream.read(_SAID):
        said = (said + more)[-_SAID:]
    return said


def why_ended(code: int, said: bytes) -> str:
    """Why a process ended that had not done its part.

    >>> why_ended(-9, b""), why_ended(1, b"Traceback ...\\nMemoryError\\n")
    ('SIGKILL ended it', 'it ended with 1: MemoryError')
    """
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"{signal.Signals(-code).name} ended it"
    return f"it ended with {code}{f': {lines[-1][:200]}' if lines else ''}"
