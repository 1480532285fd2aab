"""Looks at a run while it lasts, and ends it when the evidence suffices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.runs.directory import RunDirectory
from pipeline.runs.live import Live, mirrored
from pipeline.runs.phases import Phase

__all__ = ["EARLY_STOPS", "Decided", "Looks", "in_short", "spacing"]

EARLY_STOPS = {
    "off": frozenset[Outcome](),
    "fail": frozenset({Outcome.FAILED}),
    "both": frozenset({Outcome.FAILED, Outcome.PASSED}),
}
MOST_OF_THE_TIME = 0.05  # what looking may take of a core
INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class Decided:
    """Why a run ended early: at which second, as what, and how many seconds the canary was measured by then."""

    at: float
    outcome: Outcome
    after: float

    def to_dict(self) -> dict[str, Any]:
        """As written in run.json."""
        return {"at": self.at, "outcome": self.outcome.value, "decided_after": self.after}


class Looks:
    """Judges each new block, fewer of them where that takes long; `decided` says when it suffices.

    The judge's bounds hold at all looks at once, so looking often makes no false alarm more likely. `early_stop` is
    one of EARLY_STOPS; `so_far` is the last look in a phrase, for the progress display.
    """

    def __init__(
        self,
        directory: RunDirectory,
        run: Mapping[str, Any],
        phases: Sequence[Phase],
        rate: float,
        early_stop: str,
    ) -> None:
        from pipeline.judge import judge  # takes a core for a while, so here: before there is any load

        self._judge = judge
        self._rules, self._policy = directory.rules(), directory.policy()
        self._live = Live(directory.path, run, phases, rate, self._policy.block_seconds)
        self._stops = EARLY_STOPS[early_stop]
        self._looked = 0.0
        self.decided: Decided | None = None
        self.so_far = ""

    async def run(self) -> None:
        """Look until the run is decided, or this is cancelled."""
        while self._stops and self.decided is None:
            began = time.monotonic()
            cost = await asyncio.to_thread(self.look)
            await asyncio.sleep(max(0.0, began + spacing(cost) - time.monotonic()))

    def look(self) -> float:
        """One look; gives the processor time that it took, in seconds."""
        began = time.thread_time()
        sofar = self._live.read()
        if sofar is None or sofar.at <= self._looked:
            return time.thread_time() - began
        self._looked = sofar.at
        if sofar.evidence.canary.seconds == 0:
            self._judge(mirrored(sofar), self._rules, self._policy)
            return time.thread_time() - began
        verdict = self._judge(sofar.evidence, self._rules, self._policy)
        self.so_far = in_short(verdict)
        if verdict.outcome in self._stops:
            self.decided = Decided(sofar.at, verdict.outcome, round(sofar.evidence.canary.seconds, 3))
        return time.thread_time() - began


def spacing(cost: float) -> float:
    """Seconds from the beginning of a look that took `cost` seconds to that of the next.

    >>> spacing(0.01), spacing(0.2)
    (1.0, 4.0)
    """
    return max(INTERVAL, cost / MOST_OF_THE_TIME)


def in_short(verdict: Verdict) -> str:
    """The verdict so far in a phrase: what is shown worse, else how much is shown to be within its margin."""
    worse = [metric.title for metric in verdict.metrics if metric.decision is Decision.FAIL]
    if worse:
        more = f" and {len(worse) - 2} more" if len(worse) > 2 else ""
        return f"shown worse: {', '.join(worse[:2])}{more}"
    compared = [metric for metric in verdict.metrics if metric.decision is not Decision.NODATA]
    within = sum(metric.decision is Decision.PASS for metric in compared)
    return f"{within} of {len(compared)} metrics shown to be within their margin"
