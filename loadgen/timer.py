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
from collections.abc import Callable

__all__ = ["Timer"]

_CLOCK_MONOTONIC = 1  # what time.monotonic() reads on Linux
_ABSOLUTE = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSetting(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Timer:
    """Calls a function of the running event loop on time, once for each `at`.

    Where the system has no timer files it uses the loop's own timers, rounded up to the millisecond.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._file: int | None = None
        self._set = False
        self._setting = _TimerSetting()
        self._value = self._setting.value
        self._pointer = ctypes.byref(self._setting)
        with contextlib.suppress(AttributeError):  # not Linux
            libc = ctypes.CDLL(None)
            self._settime = libc.timerfd_settime
            file = libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
            if file >= 0:
                self._file = file
                self._loop.add_reader(file, self._expired)

    def at(self, when: float) -> None:
        """Call at `when` (monotonic clock, seconds), and not at an earlier time that was set before."""
        if self._file is None:
            if self._handle is not None:
                self._handle.cancel()
            left = max(0.0, math.ceil((when - time.monotonic()) * 1000) / 1000)
            self._handle = self._loop.call_later(left, self._call)
            return
        seconds = int(when)
        self._value.seconds = seconds
        # One nanosecond more: never early, and 0 would switch it off.
        self._value.nanoseconds = int((when - seconds) * 1e9) + 1
        self._set = True
        self._settime(self._file, _ABSOLUTE, self._pointer, None)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if self._file is not None:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = None

    def _expired(self) -> None:
        if self._file is None:
            return
        self._set = False
        self._call()
        # Setting it again makes it unreadable, as reading it does, which is one system call less.
        if not self._set and self._file is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._file, 8)
