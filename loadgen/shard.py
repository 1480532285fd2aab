"""A shard: one part of a run that another process sends. What it is given, what it says, and where shards may be."""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Protocol

from loadgen.plan import Plan
from loadgen.processor import Used
from loadgen.progress import Progress
from loadgen.request import Kind
from loadgen.result import Answer, Result
from loadgen.tally import Tally

__all__ = [
    "HEADER",
    "STOP",
    "Ended",
    "Failed",
    "Message",
    "Order",
    "Ready",
    "Rows",
    "Second",
    "ShardError",
    "Shards",
    "frame",
    "opened",
    "version",
]

HEADER: Final = struct.Struct(">I")  # before each message: how many bytes it has
STOP: Final = b"s"  # stop sending; said twice: at once


class ShardError(Exception):
    """A run cannot be divided as it was asked for; says why in one line."""


class Order(NamedTuple):
    """What a shard is given; when to begin is said once all are ready.

    Attributes:
        plan: Its part, one of `Plan.divided`.
        first: Whether it asks to be run before all other processes.
        rows: Whether each result is wanted, and not only counts.
    """

    plan: Plan
    first: bool
    rows: bool


class Ready(NamedTuple):
    """It can begin. `version` is that of its code: see `version`."""

    version: str


class Second(NamedTuple):
    """What came in since the last one, `t` seconds after the start; `progress` is the engine's then."""

    t: float
    tally: Tally
    progress: Progress


class Rows(NamedTuple):
    """Results, as plain tuples: times count from the start, on whatever clock."""

    rows: Sequence[tuple[float, int, int | None, tuple[object, ...], int, Kind]]

    @classmethod
    def of(cls, results: Sequence[Result], t0: float) -> Rows:
        """Of results whose answers ended by a clock that was `t0` at the start."""
        return cls(
            [
                (
                    each.t,
                    each.lateness_us,
                    each.latency_us,
                    (each.answer.ended - t0, *each.answer[1:]),
                    each.waited_us,
                    each.kind,
                )
                for each in results
            ]
        )

    def results(self) -> list[Result]:
        """What they were made of; the clock was 0 at the start."""
        return [
            Result(t, late, latency, Answer._make(answer), waited, kind)
            for t, late, latency, answer, waited, kind in self.rows
        ]


class Ended(NamedTuple):
    """It has done its part.

    Attributes:
        elapsed: Seconds since the start.
        progress: The engine's counts.
        used: What it got of the processors.
        scheduling: How the system scheduled it.
        reason: Why its part says nothing of the server; None where it does.
        lateness_ms: Percentiles of its lateness.
    """

    elapsed: float
    progress: Progress
    used: Used
    scheduling: str
    reason: str | None
    lateness_ms: dict[str, float | None] | None


class Failed(NamedTuple):
    """It does no more, and why; nothing follows."""

    why: str


Message = Ready | Second | Rows | Ended | Failed


class Shards(Protocol):
    """Where the parts of a run are sent from. Inside `async with` each has its order, and says Ready."""

    @property
    def where(self) -> Sequence[str]:
        """What each is called, by its number."""

    @property
    def lead(self) -> float:
        """Seconds that they need between `begin` and the start."""

    async def __aenter__(self) -> Shards: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends those that have not ended."""

    async def next(self) -> tuple[int, Message]:
        """What one of them says next. One that is lost says Failed."""

    async def begin(self, start_at: float) -> None:
        """All begin at `start_at` (Unix time, seconds)."""

    async def stop(self) -> None:
        """All send nothing more; what is on the wire has another second, and none when this is called again."""

    def facts(self, number: int) -> dict[str, object]:
        """What else the summary has of one."""


def frame(message: object) -> bytes:
    """A message as it is sent."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(data)) + data


def opened(data: bytes) -> Message:
    """The message in a frame, without its header. Only of a process that this program started."""
    message: Message = pickle.loads(data)  # noqa: S301
    return message


@cache
def version() -> str:
    """What tells this code from another version of it: between two, a message may mean something else."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]
