"""The watch itself: asks the server again and again, judges what there is, and ends when the verdict is known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_
from pipeline.base.text import duration
from pipeline.gate.progress import shown, time_left
from pipeline.gate.run import GateRun
from pipeline.gate.settings import Settings
from pipeline.gate.traffic import with_traffic
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.series.case import fetched
from pipeline.series.config import USUAL_STEP, JudgeConfig
from pipeline.series.evidence import Case
from pipeline.series.prometheus import Prometheus

__all__ = ["Clock", "End", "Look", "judged", "watch"]

# Which verdicts end a watch before its planned end.
_ENDING: Final[Mapping[str, frozenset[Outcome]]] = {
    "off": frozenset(),
    "fail": frozenset({Outcome.FAILED}),
    "both": frozenset({Outcome.FAILED, Outcome.PASSED}),
}
_TICK: Final = 1.0  # seconds between two updates of the time that is left
_TOLD_EVERY: Final = 10  # looks, where what they show does not change


@dataclass(frozen=True, slots=True)
class Clock:
    """The server's time, and how to wait for it to pass."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One judgement: of how many seconds, what was judged, and what it says."""

    seconds: float
    case: Case
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """How a watch ended: its last look, and whether that was before the planned end."""

    look: Look
    early: bool


def judged(run: GateRun, config: JudgeConfig, client: Prometheus, least: int | None, end: float) -> Look:
    """What the window up to `end` shows; its series are kept in the run's directory. Raises what the client raises."""
    times = {"from": _instant(run.start), "to": _instant(end)}
    case = fetched(config, client, times, now=end, planned=run.planned, keep=run.path)
    case = with_traffic(case, config, least)
    return Look(round(end - run.start, 3), case, judge(case.evidence, case.rules, case.policy))


def watch(
    run: GateRun,
    config: JudgeConfig,
    settings: Settings,
    client: Prometheus,
    progress: Progress,
    clock: Clock,
) -> End:
    """Look until the verdict is known, or the planned end is reached.

    A server that does not answer is waited for, until the window has been over for `patience` seconds. Raises
    EnvironmentError_ then, and UsageError where it refuses to answer.
    """
    step = config.step or USUAL_STEP
    every = max(settings.every or step, _TICK)
    told = _Told(progress)
    seen, away_since, next_look = run.start, None, 0.0
    while True:
        now = clock.now()
        end = _complete(run, step, now)
        if end > seen and (now >= next_look or end >= run.end):
            next_look = now + every
            try:
                look = judged(run, config, client, settings.min_requests, end)
            except EnvironmentError_ as error:
                away_since = away_since or now
                late = now - max(away_since, run.end + run.behind)
                if late > settings.patience:
                    raise EnvironmentError_(
                        f"{error.message}; waited for {duration(now - away_since)}",
                        hint="once it answers, the same command goes on with this gate",
                    ) from None
                told.away(error.message)
                end = seen  # at the planned end this would go on without a pause
                clock.sleep(min(every, 15.0))
            else:
                if away_since is not None:
                    told.back(now - away_since)
                    away_since = None
                seen = end
                run.looked(look.seconds)
                run.keep_questions(look.case.questions)
                over = end >= run.end
                told.look(look, run.planned - look.seconds)
                if over or (
                    look.verdict.outcome in _ENDING[settings.early_stop] and not look.verdict.let_pass
                ):
                    return End(look, early=not over)
        if away_since is None:
            progress.detail(f"{time_left(run.end + run.behind - now)}; {told.last}")
        clock.sleep(min(_TICK, every))


def _complete(run: GateRun, step: float, now: float) -> float:
    """The end of the last whole step that all scrapes of have arrived, at most the planned end."""
    steps = math.floor((min(now - run.behind, run.end) - run.start) / step + 1e-6)
    return run.start + max(0, steps) * step


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds, 3), UTC).isoformat(timespec="milliseconds")


class _Told:
    """What the lines of progress have said; where there is no terminal, only what changes has a line each time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._away = False
        self._looks = 0
        self.last = "waiting for the first step"

    def look(self, look: Look, left: float) -> None:
        """One more look."""
        said = shown(look.verdict)
        self._looks += 1
        if said != self.last or self._looks % _TOLD_EVERY == 0:
            self._progress.say(f"{time_left(left)}; {said}")
        self.last = said

    def away(self, why: str) -> None:
        """The server did not answer; said once."""
        if not self._away:
            self._progress.say(f"{why}; waiting for it")
        self._away = True

    def back(self, seconds: float) -> None:
        """It answers again."""
        self._progress.say(f"the server answers again after {duration(round(seconds))}")
        self._away = False
