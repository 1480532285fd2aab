"""Ctrl-C, SIGTERM and a closed terminal, turned into one ordinary ending: KeyboardInterrupt."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

__all__ = ["run_async", "unify_signals", "uninterrupted"]

_T = TypeVar("_T")
_ALIKE = (signal.SIGTERM, signal.SIGHUP)


def unify_signals() -> None:
    """From here on SIGTERM and SIGHUP are what Ctrl-C is.

    SIGINT as well: a shell starts what it puts in the background with SIGINT ignored, and Python leaves that as it is.
    """
    for number in (signal.SIGINT, *_ALIKE):
        signal.signal(number, signal.default_int_handler)


def run_async(main: Coroutine[object, object, _T]) -> _T:
    """asyncio.run, but SIGTERM and SIGHUP cancel the task as Ctrl-C does, so that its `finally` blocks run."""

    async def wrapped() -> _T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - always inside a task here
        loop = asyncio.get_running_loop()
        for number in _ALIKE:
            loop.add_signal_handler(number, task.cancel)
        return await main

    try:
        return asyncio.run(wrapped())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        unify_signals()  # asyncio took the handlers away when its loop closed


@contextmanager
def uninterrupted(what: str) -> Iterator[None]:
    """In here Ctrl-C only prints that `what` is under way: a clean-up must not end half-way."""

    def wait(_number: int, _frame: FrameType | None) -> None:
        print(f"\n{what}, please wait", file=sys.stderr)

    numbers = (signal.SIGINT, *_ALIKE)
    before = [signal.signal(number, wait) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
