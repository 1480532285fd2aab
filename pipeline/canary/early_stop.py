"""Judges a run while it is under way, and ends it when the evidence suffices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.judge.evidence import Evidence
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.runs.directory import Run
from pipeline.runs.live import LiveEvidence, baseline_against_itself
from pipeline.runs.phases import Phase

__all__ = ["EarlyEnd", "EarlyStop", "in_short"]

# Which outcomes end a run, by the setting `early_stop`.
_ENDING: Final[Mapping[str, frozenset[Outcome]]] = {
    "off": frozenset(),
    "fail": frozenset({Outcome.FAILED}),
    "both": frozenset({Outcome.FAILED, Outcome.PASSED}),
}
_MOST_OF_THE_TIME: Final = 0.05  # what judging may take of a core
_NEARLY_OVER: Final = 4.5  # seconds before the end of the baseline's phase
_INTERVAL: Final = 1.0  # seconds between two judgements, at least
_OF_EACH: Final = 0.025  # of a core, beside that: each request of a mix by itself


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """Why a run ended early: at which second, as what, and how many seconds the canary was measured by then."""

    at: float
    outcome: Outcome
    after: float

    def to_dict(self) -> dict[str, Any]:
        """As written in run.json."""
        return {"at": self.at, "outcome": self.outcome.value, "decided_after": self.after}


class EarlyStop:
    """Judges after each new block of samples, less often where that takes long.

    The judge's bounds hold at all times at once, so judging often makes no false alarm more likely. `end` is set once
    the evidence suffices; `so_far` is the last verdict in a phrase, for the progress display. `forecast` says what the
    run can show, once the whole baseline was measured before the canary; until then it is empty.
    """

    def __init__(self, run: Run, phases: Sequence[Phase], rate: float, setting: str) -> None:
        """Make ready to judge `run`, whose files will grow.

        Args:
            run: The run as it is known before the load begins.
            phases: The whole schedule.
            rate: Requests per second.
            setting: off, fail (end a run that has failed) or both (end one that has passed, too).
        """
        # Both take a core for a while, so here: before there is any load.
        from pipeline.judge import judge
        from pipeline.judge.forecast import forecast, in_words

        self._judge, self._forecast, self._in_words = judge, forecast, in_words
        self._rules, self._policy = run.rules, run.policy
        self._live = LiveEvidence(run.path, run.record, phases, rate, self._policy.block_seconds)
        self._ending = _ENDING[setting]
        self._judged_until = 0.0
        self._began = 0.0
        self._spent_on_each = 0.0
        self.end: EarlyEnd | None = None
        self.so_far = ""
        self.forecast = ""

    async def run(self) -> None:
        """Judge again and again until there is an end, or this is cancelled."""
        while self._ending and self.end is None:
            began = time.monotonic()
            cost = await asyncio.to_thread(self.look)
            await asyncio.sleep(max(0.0, began + _spacing(cost) - time.monotonic()))

    def look(self) -> float:
        """Judge once, if there is a new block; gives the processor time that it took, in seconds.

        Many requests by themselves take long to judge, and what all together show must not wait for that: they have a
        share of the time of their own, which is not part of what this gives.
        """
        began = time.thread_time() - self._spent_on_each
        self._began = self._began or time.monotonic()
        snapshot = self._live.read()
        if snapshot is None or snapshot.at <= self._judged_until:
            return time.thread_time() - began - self._spent_on_each
        self._judged_until = snapshot.at
        measured = snapshot.evidence.canary.seconds
        if measured == 0:
            self._verdict(baseline_against_itself(snapshot))
            if not self.forecast and snapshot.at > snapshot.phase.end - _NEARLY_OVER:
                # While the baseline's phase lasts, so that the canary's does not bear this work alone.
                needs = self._forecast(snapshot.evidence.baseline, self._rules, self._policy)
                self.forecast = self._in_words(needs, snapshot.phase.seconds)
            return time.thread_time() - began - self._spent_on_each
        verdict = self._verdict(snapshot.evidence)
        self.so_far = in_short(verdict)
        if verdict.outcome in self._ending and snapshot.settled:
            self.end = EarlyEnd(snapshot.at, verdict.outcome, round(measured, 3))
        return time.thread_time() - began - self._spent_on_each

    def _verdict(self, evidence: Evidence) -> Verdict:
        """What all requests together show, and from time to time what each does by itself."""
        if not evidence.weights:
            return self._judge(evidence, self._rules, self._policy)
        verdict = self._judge(evidence, self._rules, self._policy, each=False)
        due = self._spent_on_each <= _OF_EACH * (time.monotonic() - self._began)
        # Nothing passes that was not looked at by itself.
        if due or verdict.outcome is Outcome.PASSED:
            began = time.thread_time()
            verdict = self._judge(evidence, self._rules, self._policy)
            self._spent_on_each += time.thread_time() - began
        return verdict


def _spacing(cost: float) -> float:
    """Seconds from the beginning of a judgement that took `cost` seconds to that of the next.

    >>> _spacing(0.01), _spacing(0.2)
    (1.0, 4.0)
    """
    return max(_INTERVAL, cost / _MOST_OF_THE_TIME)


def in_short(verdict: Verdict) -> str:
    """The verdict so far in a phrase: what is shown worse, else how much is shown to be within its margin."""
    worse = [metric.title for metric in verdict.metrics if metric.decision is Decision.FAIL]
    if worse:
        more = f" and {len(worse) - 2} more" if len(worse) > 2 else ""
        return f"shown worse: {', '.join(worse[:2])}{more}"
    compared = [metric for metric in verdict.metrics if metric.decision is not Decision.NODATA]
    within = sum(metric.decision is Decision.PASS for metric in compared)
    return f"{within} of {len(compared)} metrics shown to be within their margin"
