"""Counts and percentiles: of the last second, and of the whole run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

from loadgen.conditions import broken
from loadgen.engine import Progress
from loadgen.plan import Plan
from loadgen.processor import Used
from loadgen.request import Kind
from loadgen.result import NEVER_SENT, Result
from loadgen.validity import Own, why_invalid

__all__ = ["HIGHEST_US", "OTHER", "PERCENTILES", "Stats", "bounded", "histogram", "record_all"]

HIGHEST_US = 3_600_000_000  # an hour; longer values count as this
PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9, "max": 100}
_BATCH = 256  # results that are counted at once: few enough that nothing waits for it
_DIGITS = 11  # binary digits that a histogram tells apart: 2,048 is more than three decimal ones
_MAX_NAMES = 32  # a server that puts a new name in every response must not use up the memory
OTHER = "other"
_CAPTURE = "capture"  # what an answer is an example of that is whole, but for what a later step needs
_BEYOND = ("timeout", NEVER_SENT)  # errors that took longer than the timeout: percentiles count them as that

# A second is overloaded when requests had to wait for a connection while the loader itself used, or waited for, this
# much of a core: then part of the wait is the loader's, and lateness alone does not show it.
_BUSY = 0.9


def histogram() -> Any:
    """An empty HdrHistogram for microseconds, three significant digits."""
    return HdrHistogram(1, HIGHEST_US, 3)


def record_all(into: Any, values: list[int]) -> None:
    """Add values to a histogram: one call for all that it does not tell apart.

    >>> few = histogram()
    >>> record_all(few, [3, 5_000_001, 5_000_002])
    >>> few.get_total_count(), few.get_count_at_value(5_000_003)
    (3, 2)
    """
    if not values:
        return
    _record(into, Counter(_rounded(values)))
    into.max_value = max(into.max_value, min(max(values), HIGHEST_US))


def _rounded(values: list[int]) -> list[int]:
    """As far as a histogram tells them apart."""
    return [
        value if value >> _DIGITS == 0 else value >> (down := value.bit_length() - _DIGITS) << down
        for value in values
    ]


def _record(into: Any, counts: Counter[int]) -> None:
    for value, count in counts.items():
        into.record_value(min(value, HIGHEST_US), count)


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
    errors: Counter[str] = field(default_factory=Counter)
    wrong_bodies: int = 0


class _OfRequest:
    """What came of the requests of one name."""

    def __init__(self) -> None:
        self.latency = histogram()
        self.status: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.wrong_bodies = 0

    @property
    def count(self) -> int:
        return self.status.total() + self.errors.total()

    def summary(self) -> dict[str, Any]:
        return {
            "completed": self.status.total(),
            "errors": self.errors.total(),
            "wrong_bodies": self.wrong_bodies,
            "status": {str(code): count for code, count in sorted(self.status.items())},
            "latency_ms": _percentiles(self.latency, sum(self.errors[kind] for kind in _BEYOND)),
        }


class Stats:
    """Add each result once; `second` gives an event and starts the next second, `summary` the whole."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._latency = histogram()
        self._lateness = histogram()
        self._service: Counter[int] = Counter()  # rounded: put into a histogram at the end, which costs less
        self._waited = histogram()
        self._read_late = histogram()
        self._status: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._served_by: Counter[str] = Counter()
        self._unexpected = self._wrong_bodies = self._bytes = self._overloaded = 0
        self._results: list[Result] = []
        templates, sequences = ((), ()) if plan.mix is None else (plan.mix.templates, plan.mix.sequences)
        self._by_request = {template.kind.name: _OfRequest() for template in templates}
        self._has_steps = bool(sequences)
        # Of each step but the first: what its sequence begins with.
        self._begun_by = {
            step.kind.name: sequence.templates[0].kind.name
            for sequence in sequences
            for step in sequence.templates[1:]
        }
        self._now = _Second()
        self._last = Progress(0, 0, 0, 0, 0, 0)

    def add(self, result: Result) -> None:
        self._results.append(result)
        if len(self._results) >= _BATCH:
            self._fold()

    def _fold(self) -> None:
        """Count what was added: together, a result costs a fraction of what it does alone."""
        results, self._results = self._results, []
        now = self._now
        latenesses = [result.lateness_us for result in results]
        now.latenesses += latenesses
        record_all(self._lateness, latenesses)
        record_all(self._read_late, [late for each in results if (late := each.answer.read_late_us) >= 0])
        record_all(self._waited, [result.waited_us for result in results if result.waited_us])
        latencies = [result.latency_us for result in results if result.latency_us is not None]
        now.latencies += latencies
        record_all(self._latency, latencies)
        self._service.update(
            _rounded(
                [
                    max(0, each.latency_us - each.lateness_us - each.waited_us)
                    for each in results
                    if each.latency_us is not None
                ]
            )
        )
        if len(latencies) < len(results) or self._has_steps:
            for result in results:
                if result.answer.error or result.answer.why:
                    self._examples.setdefault(result.answer.error or _CAPTURE, result.answer.why)
        self._bytes += sum([result.answer.size for result in results if result.latency_us is not None])
        kinds = Counter(
            [
                (each.kind, answer.served_by, answer.error, answer.status, answer.body_ok)
                for each in results
                for answer in (each.answer,)
            ]
        )
        for (kind, served_by, error, status, body_ok), count in kinds.items():
            self._count(kind, served_by, error, status, body_ok, count)
            if kind.name in self._by_request:
                self._count_by_request(kind.name, error, status, body_ok, count)
        for name, of_request in self._by_request.items():
            own = [each.latency_us for each in results if each.kind.name == name]
            record_all(of_request.latency, [value for value in own if value is not None])

    def _count_by_request(self, name: str, error: str, status: int, body_ok: bool | None, count: int) -> None:
        of_request = self._by_request[name]
        if error:
            of_request.errors[error] += count
        else:
            of_request.status[status] += count
            of_request.wrong_bodies += count if body_ok is False else 0

    def _count(
        self, kind: Kind, served_by: str, error: str, status: int, body_ok: bool | None, count: int
    ) -> None:
        now = self._now
        name = bounded(served_by, self._served_by) if served_by else ""
        if name:
            self._served_by[name] += count
            now.served_by[name] += count
        if error:
            self._errors[error] += count
            now.errors[error] += count
            return
        self._status[status] += count
        now.status[status] += count
        if body_ok is False:
            self._wrong_bodies += count
            now.wrong_bodies += count
        elif status not in kind.expect_status:
            self._unexpected += count
        elif name:
            now.good_by[name] += count

    @property
    def pending(self) -> bool:
        """Whether anything came in since the last `second`."""
        return bool(self._now.latenesses or self._results)

    def second(self, t: float, progress: Progress, busy: float) -> dict[str, Any]:
        """The event of one second; the next one starts.

        In it `completed` counts whole responses of any status, `errors` requests without one. `served_by` counts by
        name of server whatever had that name in it, a response that broke off too; `good_by` whole responses of the
        expected status whose body was not wrong. `errors_by_kind` are the errors of this second, `examples` what the
        run's first of each kind was. Percentiles are of what completed or took longer than the timeout in this second:
        None for such a time, or where there was nothing; `beyond` is how many those were.

        Args:
            t: When the second ended, seconds since the start.
            progress: The engine's counts at that time.
            busy: The share of this second in which the loader used a core, or was ready and had none.
        """
        self._fold()
        now, last = self._now, self._last
        self._now, self._last = _Second(), progress
        queued = progress.queued - last.queued
        beyond = sum(now.errors[kind] for kind in _BEYOND)
        if busy > _BUSY:
            self._overloaded += queued
        return {
            "event": "second",
            "t": round(t, 3),
            "scheduled": progress.scheduled - last.scheduled,
            "sent": progress.sent - last.sent,
            "completed": len(now.latencies),
            "errors": now.errors.total(),
            "errors_by_kind": dict(now.errors),
            "examples": dict(self._examples),
            "wrong_bodies": now.wrong_bodies,
            "status": {str(code): count for code, count in sorted(now.status.items())},
            "p50_ms": _ms(_rank(now.latencies, 50, beyond)),
            "p99_ms": _ms(_rank(now.latencies, 99, beyond)),
            "beyond": beyond,
            "timeout_s": self._plan.timeout,
            "lateness_p99_ms": _ms(_rank(now.latenesses, 99)),
            "in_flight": progress.in_flight,
            "waiting": progress.waiting,
            "served_by": dict(now.served_by),
            "good_by": dict(now.good_by),
        }

    def summary(
        self,
        progress: Progress,
        *,
        t0_unix: float,
        elapsed: float,
        used: Used,
        scheduling: str,
        sending: float | None = None,
    ) -> dict[str, Any]:
        """The summary of the whole run.

        What waited in the loader (`queued`, `waited_ms`, and `unsent` of `errors_by_kind`), what was refused (its
        `connect`) and what the server delayed (`latency_ms`, and its `timeout`) are told apart. Percentiles of latency
        are of whole responses and of what took longer than the timeout: None for that. Other errors are beside them.
        `service_ms` counts from when a request was sent, without the loader's lateness and the wait for a connection,
        as most loaders do; None is what was sent and timed out. `failed` are errors, statuses that are not expected,
        and wrong bodies; `failures` says which conditions of the plan are broken. `sent_rate` is of the time in which
        requests fell due, `completed_rate` until the last was answered, if that is longer.

        Args:
            progress: The engine's counts at the end.
            t0_unix: When the first request was due (Unix time, seconds).
            elapsed: Seconds since then.
            used: Seconds of CPU time that the loader used, and waited for.
            scheduling: How the system scheduled it.
            sending: Seconds in which requests fell due; None: as planned.
        """
        self._fold()
        completed = sum(self._status.values())
        sending = self._plan.duration if sending is None else sending
        service = histogram()
        _record(service, self._service)
        latency = _percentiles(self._latency, sum(self._errors[kind] for kind in _BEYOND))
        lateness, read_lateness = _percentiles(self._lateness), _percentiles(self._read_late)
        own = Own(
            late_ms=lateness["p99"] if lateness else None,
            read_late_ms=read_lateness["p99"] if read_lateness else None,
            overloaded=self._overloaded,
            waited_share=used.waited / elapsed if elapsed else 0.0,
            busy_share=(used.cpu + used.waited) / elapsed if elapsed else 0.0,
        )
        reason = why_invalid(
            self._plan,
            own,
            latency_ms=latency["p99"] if latency else None,
            scheduled=progress.scheduled,
            errors=self._errors,
            examples=self._examples,
        )
        summary = {
            "valid": not reason,
            "reason": reason,
            "t0_unix": t0_unix,
            "elapsed_s": round(elapsed, 3),
            "cpu_s": round(used.cpu, 3),
            "cpu_wait_s": round(used.waited, 3),
            "scheduling": scheduling,
            "arrivals": self._plan.how,
            **({"replayed": self._plan.replayed} if self._plan.replayed else {}),
            "rate": None if self._plan.users else self._plan.rate,
            "sent_rate": _rate(progress.sent, sending),
            "completed_rate": _rate(completed, max(elapsed, sending)),
            "scheduled": progress.scheduled,
            "sent": progress.sent,
            "queued": progress.queued,
            "completed": completed,
            "errors": sum(self._errors.values()),
            "errors_by_kind": dict(self._errors),
            "examples": dict(self._examples),
            "abandoned": progress.abandoned,
            "wrong_bodies": self._wrong_bodies,
            "failed": sum(self._errors.values()) + self._unexpected + self._wrong_bodies,
            "status": {str(code): count for code, count in sorted(self._status.items())},
            "served_by": dict(self._served_by),
            "bytes": self._bytes,
            "timeout_s": self._plan.timeout,
            "latency_ms": latency,
            "service_ms": _percentiles(service, self._errors["timeout"]),
            "waited_ms": _percentiles(self._waited),
            "lateness_ms": lateness,
            "read_lateness_ms": read_lateness,
            **({"by_request": self._summaries()} if self._by_request else {}),
        }
        failures = broken(summary, fail_if=self._plan.fail_if, require=self._plan.require)
        return summary | {"failures": failures}

    def _summaries(self) -> dict[str, Any]:
        return {
            name: {**of_request.summary(), "skipped": self._skipped(name)}
            for name, of_request in self._by_request.items()
        }

    def _skipped(self, name: str) -> int:
        """How often a step was not sent, because the sequence had ended before it."""
        begun_by = self._begun_by.get(name, name)
        return max(0, self._by_request[begun_by].count - self._by_request[name].count)


def _rate(count: int, seconds: float) -> float | None:
    return round(count / seconds, 3) if seconds > 0 else None


def _rank(values: list[int], percent: float, beyond: int = 0) -> int | None:
    """The nearest-rank percentile of `values` and `beyond` more that are larger; None for one of these, and of nothing.

    >>> _rank([30, 10, 20], 50), _rank([30, 10, 20], 50, beyond=4)
    (20, None)
    """
    rank = _nth(len(values) + beyond, percent)
    return sorted(values)[rank - 1] if values and rank <= len(values) else None


def _nth(count: int, percent: float) -> int:
    """Which of `count` values in order is the percentile."""
    return max(1, math.ceil(count * percent / 100))


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000


def _percentiles(values: Any, beyond: int = 0) -> dict[str, float | None] | None:
    """Percentiles of a histogram and of `beyond` more values, larger than any in it: None stands for these."""
    within = values.get_total_count()
    if not within + beyond:
        return None
    found: dict[str, float | None] = {}
    for name, percent in PERCENTILES.items():
        rank = _nth(within + beyond, percent) if beyond else 0
        if rank > within:
            found[name] = None
        elif name == "max":
            found[name] = values.get_max_value() / 1000
        else:
            share = 100 * rank / within if beyond else percent
            found[name] = values.get_value_at_percentile(share) / 1000
    return found
