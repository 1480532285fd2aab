"""Ctrl-C, SIGTERM and a closed terminal, turned into one ordinary ending: KeyboardInterrupt, once.

The first signal ends what the command does. What it still has to do then (hosts that go, a proxy that is set back) is
not ended by a second one: that only says what is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, TypeVar

from pipeline.base.signals import ENDING, release_signals

__all__ = ["afterwards", "held_back", "run_async", "unify_signals", "uninterrupted"]

_T = TypeVar("_T")


@dataclass(slots=True)
class _Signals:
    """What a signal does next.

    `came`: one has ended the command already; `under_way`: what must not end half-way, the innermost last; `held`: a
    signal came during that; `cancel`: how what asyncio runs is ended, None where nothing runs in it.
    """

    came: bool = False
    held: bool = False
    under_way: list[str] = field(default_factory=list)
    cancel: Callable[[], object] | None = None


_signals: Final = _Signals()


def unify_signals() -> None:
    """From here on SIGTERM and SIGHUP are what Ctrl-C is: for the command that begins now.

    SIGINT as well: a shell starts what it puts in the background with SIGINT ignored, and Python leaves that as it is.
    Only nohup's wish is kept, that a closed terminal does not matter.
    """
    _signals.came = _signals.held = False
    for number in ENDING:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _arrived)
    release_signals()


def held_back() -> bool:
    """Whether a signal came while something was `uninterrupted`: who has more to do than that ends then."""
    return _signals.held


def run_async(main: Coroutine[object, object, _T]) -> _T:
    """asyncio.run, but a signal cancels `main`, so that its `finally` blocks run; then it is KeyboardInterrupt."""
    ended_before = _signals.came

    async def wrapped() -> _T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - always inside a task here
        loop = asyncio.get_running_loop()
        _signals.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            return await main
        finally:
            _signals.cancel = None

    running = wrapped()
    try:
        result = asyncio.run(running)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:  # of what a signal kept from beginning, Python would complain
        running.close()
        main.close()
    if _signals.came and not ended_before:  # as the last step ended: there was nothing left to cancel
        raise KeyboardInterrupt
    return result


@contextmanager
def uninterrupted(what: str) -> Iterator[None]:
    """In here a signal only says that `what` is under way: a clean-up must not end half-way."""
    _signals.under_way.append(what)
    try:
        yield
    finally:
        _signals.under_way.pop()


@contextmanager
def afterwards(what: str, action: Callable[[], None]) -> Iterator[None]:
    """Whatever happens inside, `action` is done once in the end, to its own end; `what` says what it does.

    A signal that comes between the inside and `action` ends neither: twice `finally`, as only the first signal raises.
    """
    begun = False

    def act() -> None:
        nonlocal begun
        with uninterrupted(what):
            if not begun:
                begun = True
                action()

    try:
        try:
            yield
        finally:
            act()
    finally:
        act()


def _arrived(_number: int, _frame: FrameType | None) -> None:
    if _signals.under_way:
        _signals.held = True
        _tell(f"{_signals.under_way[-1]}, please wait")
    elif _signals.came:
        _tell("ending in order, please wait")
    else:
        _signals.came = True
        if _signals.cancel is None:
            raise KeyboardInterrupt
        _signals.cancel()


def _tell(text: str) -> None:
    """A line on stderr; not through Python's own stream, in which this process may be writing just now."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.write(sys.stderr.fileno(), f"\n{text}\n".encode())
