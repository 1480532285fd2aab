"""Counts and percentiles: of the last second, and of the whole run."""

from __future__ import annotations

from typing import Any

from loadgen.conditions import broken
from loadgen.histograms import percentiles, rank
from loadgen.plan import Plan
from loadgen.processor import Used
from loadgen.progress import Progress
from loadgen.result import Result
from loadgen.tally import OfRequest, Tally
from loadgen.validity import Divided, Own, why_invalid

__all__ = ["Stats"]

_BATCH = 256  # results that are counted at once: few enough that nothing waits for it

# A second is overloaded when requests had to wait for a connection while the loader itself used, or waited for, this
# much of a core: then part of the wait is the loader's, and lateness alone does not show it.
_BUSY = 0.9


class Stats:
    """Add each result once; `second` gives an event and starts the next second, `summary` the whole.

    What others have counted is merged with it, exactly.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        templates, sequences = ((), ()) if plan.mix is None else (plan.mix.templates, plan.mix.sequences)
        self._requests = [template.kind.name for template in templates]
        # Of each step but the first: what its sequence begins with.
        self._begun_by = {
            step.kind.name: sequence.templates[0].kind.name
            for sequence in sequences
            for step in sequence.templates[1:]
        }
        self._names: set[str] = set()  # of servers
        self._whole = Tally.of(self._requests)  # until the last second
        self._now = Tally.of(self._requests)
        self._results: list[Result] = []
        self._last = Progress(0, 0, 0, 0, 0, 0)

    def add(self, result: Result) -> None:
        self._results.append(result)
        if len(self._results) >= _BATCH:
            self._fold()

    def merge(self, tally: Tally) -> None:
        """Add what was counted elsewhere."""
        self._now.merge(tally, self._names)

    def _fold(self) -> None:
        results, self._results = self._results, []
        self._now.add(results, self._names)

    def take(self, progress: Progress, busy: float = 0.0) -> Tally:
        """What came in since this was last called; the next second starts.

        Args:
            progress: The engine's counts now.
            busy: The share of this second in which the loader used a core, or was ready and had none.
        """
        self._fold()
        now, self._now = self._now, Tally.of(self._requests)
        if busy > _BUSY:
            now.overloaded += progress.queued - self._last.queued
        self._last = progress
        self._whole.merge(now, self._names)
        return now

    @property
    def pending(self) -> bool:
        """Whether anything came in since the last `second`."""
        return bool(self._now.lateness or self._results)

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
        last = self._last
        now = self.take(progress, busy)
        beyond = now.beyond
        return {
            "event": "second",
            "t": round(t, 3),
            "scheduled": progress.scheduled - last.scheduled,
            "sent": progress.sent - last.sent,
            "completed": now.completed,
            "errors": now.errors.total(),
            "errors_by_kind": dict(now.errors),
            "examples": dict(self._whole.examples),
            "wrong_bodies": now.wrong_bodies,
            "status": {str(code): count for code, count in sorted(now.status.items())},
            "p50_ms": _ms(rank(now.latency, 50, beyond)),
            "p99_ms": _ms(rank(now.latency, 99, beyond)),
            "beyond": beyond,
            "timeout_s": self._plan.timeout,
            "lateness_p99_ms": _ms(rank(now.lateness, 99)),
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
        divided: Divided | None = None,
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
            divided: Of a run whose parts were sent and counted elsewhere; None: it was not.
        """
        whole = self.whole
        sending = self._plan.duration if sending is None else sending
        reason = self.why_invalid(progress, elapsed, used) if divided is None else divided.reason
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
            "completed_rate": _rate(whole.completed, max(elapsed, sending)),
            "scheduled": progress.scheduled,
            "sent": progress.sent,
            "queued": progress.queued,
            "completed": whole.completed,
            "errors": whole.errors.total(),
            "errors_by_kind": dict(whole.errors),
            "examples": dict(whole.examples),
            "abandoned": progress.abandoned,
            "wrong_bodies": whole.wrong_bodies,
            "failed": whole.errors.total() + whole.unexpected + whole.wrong_bodies,
            "status": {str(code): count for code, count in sorted(whole.status.items())},
            "served_by": dict(whole.served_by),
            "bytes": whole.bytes,
            "timeout_s": self._plan.timeout,
            "latency_ms": percentiles(whole.latency, whole.beyond),
            "service_ms": percentiles(whole.service, whole.errors["timeout"]),
            "waited_ms": percentiles(whole.waited),
            "lateness_ms": percentiles(whole.lateness),
            "read_lateness_ms": percentiles(whole.read_late),
            **({"by_request": self._by_request(whole)} if whole.by_request else {}),
            **({} if divided is None else {"shards": divided.shards}),
        }
        failures = broken(summary, fail_if=self._plan.fail_if, require=self._plan.require)
        return summary | {"failures": failures}

    def why_invalid(self, progress: Progress, elapsed: float, used: Used) -> str | None:
        """Why what was counted says nothing of the server, as far as this process counted it; see `summary`."""
        whole = self.whole
        latency, lateness = percentiles(whole.latency, whole.beyond), percentiles(whole.lateness)
        read_lateness = percentiles(whole.read_late)
        own = Own(
            late_ms=lateness["p99"] if lateness else None,
            read_late_ms=read_lateness["p99"] if read_lateness else None,
            overloaded=whole.overloaded,
            waited_share=used.waited / elapsed if elapsed else 0.0,
            busy_share=(used.cpu + used.waited) / elapsed if elapsed else 0.0,
        )
        return why_invalid(
            self._plan,
            own,
            latency_ms=latency["p99"] if latency else None,
            scheduled=progress.scheduled,
            errors=whole.errors,
            examples=whole.examples,
        )

    def _by_request(self, whole: Tally) -> dict[str, Any]:
        return {
            name: _of_request(of, whole.by_request[self._begun_by.get(name, name)])
            for name, of in whole.by_request.items()
        }

    @property
    def whole(self) -> Tally:
        """What the whole run came to until now."""
        if self.pending:
            self.take(self._last)
        return self._whole


def _of_request(of: OfRequest, begun_by: OfRequest) -> dict[str, Any]:
    return {
        "completed": of.status.total(),
        "errors": of.errors.total(),
        "wrong_bodies": of.wrong_bodies,
        "status": {str(code): count for code, count in sorted(of.status.items())},
        "latency_ms": percentiles(of.latency, of.beyond),
        "skipped": max(
            0, begun_by.count - of.count
        ),  # steps that were not sent: the sequence had ended before
    }


def _rate(count: int, seconds: float) -> float | None:
    return round(count / seconds, 3) if seconds > 0 else None


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
