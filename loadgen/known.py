"""What the process that merges knows of each shard, and what is missing of one that is lost."""

from __future__ import annotations

import math
from typing import NamedTuple

from loadgen.plan import Plan
from loadgen.progress import Progress
from loadgen.result import Result
from loadgen.shard import Ended

__all__ = ["Known", "Missing"]

_EARLY = 0.05  # seconds by which a second may be told before it is over


class Known:
    """What is known of one shard.

    Attributes:
        name: What people read.
        t: Until when it was heard, seconds since the start.
        progress: Its engine's counts then.
        rows: Results whose second is not over: they are kept with its counts, or not at all.
        ended: What it said at its end.
        lost: Why it will say nothing more.
        unknown: How many of its requests nothing came of until then.
        silent: For how many seconds it has said nothing.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.t = 0.0
        self.progress = Progress(0, 0, 0, 0, 0, 0)
        self.rows: list[Result] = []
        self.ended: Ended | None = None
        self.lost = ""
        self.unknown = 0
        self.silent = 0

    @property
    def over(self) -> bool:
        return bool(self.ended or self.lost)

    def lose(self, why: str) -> None:
        self.lost = why
        self.unknown = self.progress.in_flight + self.progress.waiting
        self.progress = self.progress._replace(in_flight=0, waiting=0)

    def missing(self, plan: Plan, shards: int, until: float) -> Missing:
        """What is not known of it, where it is lost.

        Args:
            plan: The whole plan.
            shards: In how many parts it was divided.
            until: For how many seconds requests fell due.
        """
        lost = f"{self.name} was lost ({self.lost})"
        if self.t >= until:
            text = f"{lost}: it had sent all, and what became of the last {self.unknown} is not known"
        else:
            first, last = math.floor(self.t + _EARLY) + 1, math.ceil(until)
            which = f"second {last} is" if first >= last else f"seconds {first} to {last} are"
            text = f"{lost}: of it {which} missing"
        if plan.users:
            return Missing(text, max(0.0, until - self.t) / until if until else 0.0)
        planned = plan.due(until) / shards
        unsent = max(0.0, planned - plan.due(self.t) / shards) + self.unknown
        if self.t < until:
            text += f", {unsent:.0f} of its {planned:.0f} requests"
        return Missing(text, unsent / planned if planned else 0.0)

    def facts(self, lost: str | None) -> dict[str, object]:
        """What a summary has of it; `lost` is for people."""
        ended = self.ended
        return {
            "name": self.name,
            "valid": bool(ended and not ended.reason),
            "lost": lost,
            "heard_s": round(self.t, 3),
            "scheduled": self.progress.scheduled,
            "sent": self.progress.sent,
            "cpu_s": round(ended.used.cpu, 3) if ended else None,
            "cpu_wait_s": round(ended.used.waited, 3) if ended else None,
            "lateness_ms": ended.lateness_ms if ended else None,
        }


class Missing(NamedTuple):
    """What of a lost shard is not known: for people, and as a share of what it was to do."""

    text: str
    share: float
