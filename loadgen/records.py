"""What keeps a run's requests: one interface for all files, and several of them as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from loadgen.result import Result

__all__ = ["Record", "Records"]


class Record(Protocol):
    """Gets each result once. Call `start` before the first `add`, `flush` every second, `close` at the end.

    All but `add` may raise OSError, and so may `add` where a buffer is full.
    """

    def start(self, t0_unix: float, t0: float) -> None:
        """The first request is due at `t0_unix` (Unix time), which is `t0` of the monotonic clock; in seconds."""

    def add(self, result: Result) -> None: ...

    def flush(self, t: float) -> None:
        """Hand everything so far to the operating system, `t` seconds after the start."""

    def close(self) -> None: ...


class Records:
    """Several as one."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def start(self, t0_unix: float, t0: float) -> None:
        for record in self._records:
            record.start(t0_unix, t0)

    def add(self, result: Result) -> None:
        for record in self._records:
            record.add(result)

    def flush(self, t: float) -> None:
        for record in self._records:
            record.flush(t)

    def close(self) -> None:
        for record in self._records:
            record.close()
