"""Waking up on time, to a tenth of a millisecond.

An event loop's own timers count in whole milliseconds, which would add half a millisecond on average to every
latency. Linux has timers that are files: the loop waits for one as it waits for a socket. (Python has them as
os.timerfd_create from 3.13 on; until then they are two calls into libc.)
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import math
import os
import time

__all__ = ["Timer"]

_CLOCK_MONOTONIC = 1  # what time.monotonic() reads on Linux
_ABSOLUTE = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSetting(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Timer:
    """A timer for one task of the running event loop. Use as `with Timer() as timer`.

    Where the system has no timer files it uses the loop's own timers, rounded up to the millisecond.
    """

    def __init__(self) -> None:
        self._future: asyncio.Future[None] | None = None
        self._file: int | None = None

    def __enter__(self) -> Timer:
        with contextlib.suppress(AttributeError):  # not Linux
            self._libc = ctypes.CDLL(None)
            file = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
            if file >= 0:
                self._file = file
                asyncio.get_running_loop().add_reader(file, self._expired)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            asyncio.get_running_loop().remove_reader(self._file)
            os.close(self._file)
            self._file = None

    async def until(self, when: float) -> None:
        """Sleep until `when` (monotonic clock, seconds). For one task at a time."""
        if self._file is None:
            await asyncio.sleep(max(0.0, math.ceil((when - time.monotonic()) * 1000) / 1000))
            return
        fraction, seconds = math.modf(when)
        # One nanosecond more: never early, and 0 would switch it off.
        setting = _TimerSetting(value=_Timespec(int(seconds), int(fraction * 1e9) + 1))
        self._future = asyncio.get_running_loop().create_future()
        self._libc.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(setting), None)
        await self._future

    def _expired(self) -> None:
        if self._file is None:
            return
        with contextlib.suppress(BlockingIOError):  # it was set again after the loop saw it expire
            os.read(self._file, 8)
            if self._future is not None and not self._future.done():
                self._future.set_result(None)
