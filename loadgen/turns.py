"""Large bodies wait for each other, so that the schedule need not wait for them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

__all__ = ["LARGE", "Turns"]

LARGE = 1 << 16  # bytes; a body of no more is read as it comes
_LONG_TURN = 0.005  # seconds
# A body that is to be searched is kept until it is whole; while all of them hold so much, no large one is read on.
_MOST_KEPT = 1 << 28  # bytes
_LOOK_AGAIN_SECONDS = 0.05


class Turns:
    """Lets one large body have one piece in a turn of the event loop, and all rest as long as a long turn took.

    Attributes:
        kept: Bytes of bodies that are kept until they are whole.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Callable[[], None], int]] = deque()
        self._began = 0.0
        self._next: asyncio.Handle | None = None
        self.kept = 0

    def wait(self, go_on: Callable[[], None], kept: int) -> None:
        """Call `go_on` when it is the turn of a body of which `kept` bytes are kept."""
        self._waiting.append((go_on, kept))
        if self._next is None:
            self._began = time.monotonic()
            self._next = self._loop.call_soon(self._turn)

    def close(self) -> None:
        self._waiting.clear()
        if self._next is not None:
            self._next.cancel()

    def _turn(self) -> None:
        self._next = None
        if not self._waiting:
            return
        took = time.monotonic() - self._began
        self._began += took
        if took > _LONG_TURN:
            self._next = self._loop.call_later(took, self._after_rest)
        else:
            self._go_on()

    def _after_rest(self) -> None:
        self._next = None
        self._began = time.monotonic()
        self._go_on()

    def _go_on(self) -> None:
        if not self._waiting:
            return
        go_on, kept = self._waiting[0]
        if self.kept > max(_MOST_KEPT, kept):
            self._waiting.rotate(-1)
            self._next = self._loop.call_later(_LOOK_AGAIN_SECONDS, self._after_rest)
            return
        self._waiting.popleft()
        go_on()
        if self._waiting:
            self._next = self._loop.call_soon(self._turn)
