"""What the engine needs of whatever sends requests: the interface, and one of it made of a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol

from loadgen.request import Request
from loadgen.result import Answer

__all__ = ["Client", "Done", "Send", "TaskClient"]

# Gets what became of a request, once; an exception where this program itself failed.
Done = Callable[[Answer | Exception], None]

# Sends one request. Gets when it must have been answered, when a body that has begun must have ended if that is sooner
# (monotonic clock, seconds), and what is sent; without that, the one request of the plan.
Send = Callable[..., Awaitable[Answer]]


class Client(Protocol):
    """Sends the requests of a plan, as often as it is asked to. Use as `async with client`."""

    async def __aenter__(self) -> Client: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, deadline: float, body_by: float, done: Done, asked: Request | None = None) -> None:
        """Send once, and call `done` with the answer, or when the time is over. Does not wait.

        Args:
            deadline: When the whole answer must be there (monotonic clock, seconds).
            body_by: When a body that has begun must have ended, if that is sooner.
            done: Is called later, never from within this call.
            asked: What is sent; None: the one request of the plan.
        """

    def abort(self) -> None:
        """End what is on the wire now; nobody is told what becomes of it."""


class TaskClient:
    """A client of a coroutine: each request is a task."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._tasks: set[asyncio.Task[Answer]] = set()

    async def __aenter__(self) -> TaskClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def send(self, deadline: float, body_by: float, done: Done, asked: Request | None = None) -> None:
        task = asyncio.ensure_future(self._send(deadline, body_by, *([] if asked is None else [asked])))
        self._tasks.add(task)

        def ended(_: object) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                return
            problem = task.exception()
            if problem is None:
                done(task.result())
            elif isinstance(problem, Exception):
                done(problem)

        task.add_done_callback(ended)

    def abort(self) -> None:
        for task in self._tasks:
            task.cancel()
