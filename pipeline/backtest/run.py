"""Makes all trials of a plan that are not made yet, and keeps each."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.backtest.history import History
from pipeline.backtest.plan import Plan
from pipeline.backtest.state import State
from pipeline.backtest.trial import Trial, try_window
from pipeline.base.text import duration
from pipeline.series.config import JudgeConfig

__all__ = ["run_plan"]

_EVERY = 10.0  # seconds between two lines of progress


def run_plan(
    config: JudgeConfig, history: History, plan: Plan, state: State, say: Callable[[str], None]
) -> list[Trial]:
    """All results, those of an earlier call too."""
    wanted = {task.key: task for task in plan.tasks}
    known = {trial.key: trial for trial in state.results() if trial.key in wanted}
    if known:
        say(f"{len(known):,} of {len(wanted):,} judgements were made before")
    began = said = time.monotonic()
    missing = [task for key, task in wanted.items() if key not in known]
    for index, task in enumerate(missing):
        trial = try_window(config, history, task.begin, task.seconds, task.harm)
        state.add(trial)
        known[trial.key] = trial
        if (now := time.monotonic()) - said >= _EVERY:
            left = (now - began) / (index + 1) * (len(missing) - index - 1)
            say(f"{len(known):,} of {len(wanted):,} judgements, {duration(left)} left")
            said = now
    return list(known.values())
