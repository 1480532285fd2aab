"""A version against itself, several times on the same hosts: what the machine makes of no change at all."""

from __future__ import annotations

import contextlib
from typing import Final

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, Interrupted
from pipeline.base.interrupt import held_back
from pipeline.base.places import state_directory
from pipeline.canary.deployed import Hosts
from pipeline.canary.plan import Plan
from pipeline.canary.workflow import hosts_lock_of, hosts_of, key_of, run_on
from pipeline.judge.words import percent
from pipeline.runs.calibration import Calibration, Measured, Store, measured_of, trends_of

__all__ = ["calibrate"]

_SHOW: Final = "pipeline calibrate --show"


def calibrate(plan: Plan, count: int, progress: Progress, *, fresh: bool = False) -> Calibration:
    """Run `plan`, one version as both, `count` times and store each run's differences as it ends.

    `fresh` drops the earlier runs of the same key once the first new one is there. Raises PipelineError; Interrupted
    keeps what was measured. A run that is invalid in itself is left out, and all of them being so is an error.
    """
    store, kept = Store(state_directory() / "calibration.json"), 0
    calibration: Calibration | None = None
    with hosts_lock_of(plan), hosts_of(plan, progress) as hosts:
        for number in range(1, count + 1):
            progress.say(f"run {number} of {count}: {plan.baseline.sha[:7]} against itself")
            try:
                measured, why = _once(plan, hosts, progress)
            except Interrupted as error:
                raise Interrupted(_kept(kept, count), hint=_SHOW) from error
            if measured is None:
                progress.say(f"run {number} of {count} is left out: {why}")
            else:
                calibration = store.add(key_of(plan, hosts), measured, fresh=fresh and kept == 0)
                kept += 1
                progress.say(f"run {number} of {count}: {_largest(measured)}")
            if held_back():  # Ctrl-C as this run was over and the proxy was put back
                raise Interrupted(_kept(kept, count), hint=_SHOW)
    if calibration is None:
        raise EnvironmentError_(
            f"none of {count} runs of {plan.settings.baseline} against itself was valid: {why}",
            hint=f"pipeline canary {plan.settings.baseline} {plan.settings.baseline}",
        )
    return calibration


def _kept(kept: int, count: int) -> str:
    return f"interrupted; the differences of {kept} of {count} runs are kept"


def _once(plan: Plan, hosts: Hosts, progress: Progress) -> tuple[Measured | None, str]:
    """One run: what it showed, None where it is invalid; and the verdict's first reason."""
    result = run_on(contextlib.nullcontext(hosts), plan, progress)
    trends = trends_of(result.run.evidence)
    why = next(iter(result.verdict.reasons), "no reason given")
    return measured_of(result.run.record, result.verdict, trends), why


def _largest(measured: Measured) -> str:
    """The two largest relative differences of a run, in words."""
    relative = [name for name in measured.effects if measured.kinds[name] == "relative"]
    largest = sorted(relative, key=lambda name: -abs(measured.effects[name]))[:2]
    words = [f"{name} {percent(abs(measured.effects[name]))}" for name in largest]
    return f"largest differences: {', '.join(words)}" if words else "no relative difference"
