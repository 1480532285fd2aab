"""Counts and percentiles: of the last second, and of the whole run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

from loadgen.engine import Progress
from loadgen.plan import Plan
from loadgen.result import Result

__all__ = ["HIGHEST_US", "OTHER", "Stats", "bounded", "histogram"]

HIGHEST_US = 3_600_000_000  # an hour; longer values count as this
_MAX_NAMES = 32  # a server that puts a new name in every response must not use up the memory
OTHER = "other"

# A second is overloaded when requests had to wait for a connection while the loader itself used this much of
# a core: then part of the wait is the loader's, and lateness alone does not show it.
_BUSY = 0.9
_MAX_OVERLOADED = 0.01  # share of the requests; p99 is the highest percentile anyone is promised


def histogram() -> Any:
    """An empty HdrHistogram for microseconds, three significant digits."""
    return HdrHistogram(1, HIGHEST_US, 3)


def bounded(name: str, seen: Counter[str]) -> str:
    """`name`, or OTHER when `seen` already holds as many other names as are told apart (32)."""
    return name if name in seen or len(seen) < _MAX_NAMES else OTHER


@dataclass(slots=True)
class _Second:
    """What came in since the last event."""

    latencies: list[int] = field(default_factory=list)
    latenesses: list[int] = field(default_factory=list)
    status: Counter[int] = field(default_factory=Counter)
    served_by: Counter[str] = field(default_factory=Counter)
    good_by: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    unread: int = 0
    wrong_bodies: int = 0


class Stats:
    """Add each result once; `second` gives an event and starts the next second, `summary` the whole."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._latency = histogram()
        self._lateness = histogram()
        self._status: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()
        self._served_by: Counter[str] = Counter()
        self._wrong_bodies = self._bytes = self._overloaded = self._unread = 0
        self._why = ""
        self._now = _Second()
        self._last = Progress(0, 0, 0, 0, 0, 0)

    def add(self, result: Result) -> None:
        answer, now = result.answer, self._now
        self._lateness.record_value(min(result.lateness_us, HIGHEST_US))
        now.latenesses.append(result.lateness_us)
        name = bounded(answer.served_by, self._served_by) if answer.served_by else ""
        if name:
            self._served_by[name] += 1
            now.served_by[name] += 1
        if result.latency_us is None:
            self._errors[answer.error] += 1
            now.errors += 1
            if answer.error == "protocol":
                self._unread += 1
                now.unread += 1
                self._why = self._why or answer.why
            return
        self._latency.record_value(min(result.latency_us, HIGHEST_US))
        now.latencies.append(result.latency_us)
        self._status[answer.status] += 1
        now.status[answer.status] += 1
        self._bytes += answer.size
        if answer.body_ok is False:
            self._wrong_bodies += 1
            now.wrong_bodies += 1
        elif name and answer.status in self._plan.expect_status:
            now.good_by[name] += 1

    @property
    def pending(self) -> bool:
        """Whether anything came in since the last `second`."""
        return bool(self._now.latenesses)

    def second(self, t: float, progress: Progress, busy: float) -> dict[str, Any]:
        """The event of one second; the next one starts.

        In it `completed` counts whole responses of any status, `errors` requests without one. `served_by` counts by
        name of server whatever had that name in it, a response that broke off too; `good_by` whole responses of the
        expected status whose body was not wrong. `unread` are those of the errors whose answer the loader could not
        read, `why` what the first of the run was. Percentiles are of what completed in this second, None when nothing
        did.

        Args:
            t: When the second ended, seconds since the start.
            progress: The engine's counts at that time.
            busy: The share of a core that the loader used in this second.
        """
        now, last = self._now, self._last
        self._now, self._last = _Second(), progress
        queued = progress.queued - last.queued
        if busy > _BUSY:
            self._overloaded += queued
        return {
            "event": "second",
            "t": round(t, 3),
            "scheduled": progress.scheduled - last.scheduled,
            "sent": progress.sent - last.sent,
            "completed": len(now.latencies),
            "errors": now.errors,
            "unread": now.unread,
            "why": self._why,
            "wrong_bodies": now.wrong_bodies,
            "status": {str(code): count for code, count in sorted(now.status.items())},
            "p50_ms": _ms(_rank(now.latencies, 50)),
            "p99_ms": _ms(_rank(now.latencies, 99)),
            "lateness_p99_ms": _ms(_rank(now.latenesses, 99)),
            "in_flight": progress.in_flight,
            "waiting": progress.waiting,
            "served_by": dict(now.served_by),
            "good_by": dict(now.good_by),
        }

    def summary(self, progress: Progress, *, t0_unix: float, elapsed: float, cpu: float) -> dict[str, Any]:
        """The summary of the whole run. Latency percentiles are of whole responses; errors are counted beside them.

        Args:
            progress: The engine's counts at the end.
            t0_unix: When the first request was due (Unix time, seconds).
            elapsed: Seconds since then.
            cpu: Seconds of CPU time that the loader used.
        """
        completed = sum(self._status.values())
        reason = self._invalid(progress)
        return {
            "valid": not reason,
            "reason": reason,
            "t0_unix": t0_unix,
            "elapsed_s": round(elapsed, 3),
            "cpu_s": round(cpu, 3),
            "rate": self._plan.rate,
            "scheduled": progress.scheduled,
            "sent": progress.sent,
            "queued": progress.queued,
            "completed": completed,
            "errors": sum(self._errors.values()),
            "errors_by_kind": dict(self._errors),
            "unread": self._unread,
            "why": self._why,
            "abandoned": progress.abandoned,
            "wrong_bodies": self._wrong_bodies,
            "status": {str(code): count for code, count in sorted(self._status.items())},
            "served_by": dict(self._served_by),
            "bytes": self._bytes,
            "latency_ms": _percentiles(self._latency),
            "lateness_ms": _percentiles(self._lateness),
        }

    def _invalid(self, progress: Progress) -> str | None:
        reasons = []
        p99 = self._lateness.get_value_at_percentile(99) / 1e6
        if p99 > self._plan.max_lateness:
            limit = self._plan.max_lateness
            reasons.append(f"the loader was late: p99 {p99 * 1000:.0f} ms, the limit is {limit * 1000:g} ms")
        if self._overloaded > _MAX_OVERLOADED * progress.scheduled:
            reasons.append(
                f"the loader was overloaded: {self._overloaded} requests waited while it used a whole core"
            )
        if self._unread:
            answers = "1 answer" if self._unread == 1 else f"{self._unread} answers"
            reasons.append(f"the loader could not read {answers}: {self._why}")
        return "; ".join(reasons) or None


def _rank(values: list[int], percent: float) -> int | None:
    """The nearest-rank percentile, None of nothing.

    >>> _rank([30, 10, 20], 50)
    20
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000


def _percentiles(values: Any) -> dict[str, float] | None:
    if not values.get_total_count():
        return None
    named = {"p50": 50, "p90": 90, "p99": 99, "p999": 99.9}
    ms = {name: values.get_value_at_percentile(percent) / 1000 for name, percent in named.items()}
    return {**ms, "max": values.get_max_value() / 1000}
