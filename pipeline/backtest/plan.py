"""Which windows are tried with which harm, what that costs, and what of it fits into the budget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.backtest.harms import HARMS, NONE, Harm
from pipeline.backtest.history import History, windows
from pipeline.backtest.trial import try_window
from pipeline.base.errors import UsageError
from pipeline.base.text import duration
from pipeline.series.config import JudgeConfig
from pipeline.series.window import Span

__all__ = ["Plan", "Task", "make_plan"]

_FEWEST = 10  # windows: below, a share of them says next to nothing
_OTHERS = 60  # windows of each other length, for the curve
_TIMES = (0.5, 2.0, 4.0)
_SHORTEST = 20  # samples of a window


@dataclass(frozen=True, slots=True)
class Task:
    """One trial that is to be made."""

    begin: float
    seconds: float
    harm: Harm

    @property
    def key(self) -> tuple[float, float, str]:
        """As Trial.key."""
        return self.begin, self.seconds, self.harm.name


@dataclass(frozen=True, slots=True)
class Plan:
    """All trials; `cost` is processor seconds, `said` what the user is told before the first."""

    tasks: tuple[Task, ...]
    cost: float
    said: tuple[str, ...]


def make_plan(
    config: JudgeConfig, history: History, seconds: float, excluded: Sequence[Span], budget: float
) -> Plan:
    """The trials of windows of `seconds`; a few trials are made, and timed. Raises UsageError: too few windows."""
    begins, without, holes = windows(history, seconds, excluded)
    if len(begins) < _FEWEST:
        raise UsageError(
            f"{len(begins)} windows of {duration(seconds)} are in this past ({without} excluded, {holes} without "
            f"their samples): {_FEWEST} are needed",
            hint="a longer past, or a shorter --window",
        )
    harms = [harm for harm in HARMS if harm.metrics(config)]
    if not harms:
        raise UsageError(
            "no metric is a latency (unit s), a proportion, a trend or a CPU (unit cores): no harm is known"
        )
    each = _seconds_each(config, history, begins, seconds, harms[0])
    main = list(begins)
    others = {}
    for length in (times * seconds for times in _TIMES):
        found = windows(history, length, excluded)[0] if length >= _SHORTEST * history.step else []
        if len(found) >= _FEWEST:
            others[length] = _spread(found, _OTHERS)

    def cost() -> float:
        rest = sum(len(found) * len(harms) * length / seconds for length, found in others.items())
        return each * (len(main) * (1 + len(harms)) + rest)

    whole = cost()
    if whole > budget:
        share = budget / whole
        main = _spread(main, max(_FEWEST, int(len(main) * share)))
        others = {
            length: _spread(found, max(_FEWEST, int(len(found) * share))) for length, found in others.items()
        }
    tasks = [Task(begin, seconds, harm) for begin in main for harm in (NONE, *harms)]
    tasks += [
        Task(begin, length, harm) for length, found in others.items() for begin in found for harm in harms
    ]
    said = [
        f"{len(begins)} windows of {duration(seconds)} ({without} excluded, {holes} without their samples), "
        f"{len(harms)} kinds of harm, {1 + len(others)} lengths: {len(tasks):,} judgements, about "
        f"{duration(max(cost(), 1))} of processor time"
    ]
    if len(main) < len(begins):
        said.append(
            f"All of it would take {duration(whole)}, more than the budget of {duration(budget)}: {len(main)} windows, "
            "evenly spread, are taken (--budget)"
        )
    return Plan(tuple(tasks), cost(), tuple(said))


def _seconds_each(
    config: JudgeConfig, history: History, begins: Sequence[float], seconds: float, harm: Harm
) -> float:
    """Processor seconds of one trial."""
    try_window(config, history, begins[0], seconds, harm)  # what is computed once only is not timed
    began = time.process_time()
    for begin in begins[:3]:
        try_window(config, history, begin, seconds, harm)
    return (time.process_time() - began) / len(begins[:3])


def _spread(begins: Sequence[float], most: int) -> list[float]:
    """At most so many of them, evenly spread."""
    if len(begins) <= most:
        return list(begins)
    return [begins[int(at)] for at in np.linspace(0, len(begins) - 1, most)]
