"""What the loader got of the machine's processors: time, waiting for it, and whether it comes first.

A process that is ready and has no processor is late with whatever it does next, and nothing inside it shows that: its
CPU time is small, its event loop looks idle. Linux counts it, in /proc/self/schedstat.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Final, NamedTuple

__all__ = ["NORMAL", "REAL_TIME", "Processor", "Used"]

REAL_TIME: Final = "SCHED_RR"
NORMAL: Final = "SCHED_OTHER"

_PRIORITY: Final = 1  # the lowest that goes before all processes without one
_GIVES_WAY: Final = 0.5  # of a core; the server may be on the same machine


class Used(NamedTuple):
    """Seconds.

    Attributes:
        cpu: On a processor.
        waited: Ready to run, and without one; 0 where the system does not say.
    """

    cpu: float
    waited: float


class Processor:
    """Watches both for the calling thread, from now on: the event loop's is the one that is in a hurry.

    Args:
        first: Let the thread run as soon as it is ready, before all others, where that is permitted. What it starts
            does not inherit that. It gives way once it uses so much of a core that the server may be short of it.

    Attributes:
        scheduling: How the system schedules the thread: REAL_TIME, NORMAL, or how the one became the other.
    """

    def __init__(self, *, first: bool = False) -> None:
        self.scheduling = NORMAL
        self._file: int | None = None
        with contextlib.suppress(OSError):  # not Linux
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        if first:
            with contextlib.suppress(AttributeError, OSError):  # not Linux; not permitted
                policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
                os.sched_setscheduler(0, policy, os.sched_param(_PRIORITY))
                self.scheduling = REAL_TIME
        self._began = self._last = self._read()
        self._wall = time.monotonic()

    def used(self) -> Used:
        """Since the beginning."""
        now = self._read()
        return Used(now.cpu - self._began.cpu, now.waited - self._began.waited)

    def busy(self) -> float:
        """The share of the time since this was last asked in which it used a core, or was ready and had none."""
        now, wall = self._read(), time.monotonic()
        took = max(wall - self._wall, 1e-9)
        cpu, waited = now.cpu - self._last.cpu, now.waited - self._last.waited
        self._last, self._wall = now, wall
        if self.scheduling == REAL_TIME and cpu / took > _GIVES_WAY:
            self._queue_like_others()
            self.scheduling = f"{NORMAL}, after {REAL_TIME} until it used {_GIVES_WAY:.0%} of a core"
        return (cpu + waited) / took

    def close(self) -> None:
        """Be scheduled as before."""
        if self.scheduling == REAL_TIME:
            self._queue_like_others()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _queue_like_others(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    def _read(self) -> Used:
        waited = 0
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError, IndexError):
                waited = int(os.pread(self._file, 100, 0).split()[1])
        return Used(time.process_time(), waited / 1e9)
