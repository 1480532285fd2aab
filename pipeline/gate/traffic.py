"""Whether a version had traffic at all: without any, what is not about requests must not let it pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pipeline.base.text import plural
from pipeline.judge.evidence import Arm, Problem, usable
from pipeline.series.config import JudgeConfig
from pipeline.series.evidence import Case

__all__ = ["requests_of", "with_traffic"]

_ARMS: Final = ("baseline", "canary")


def requests_of(config: JudgeConfig, arm: Arm) -> int | None:
    """How many requests a version had: the largest total of any proportion; None where the configuration has none."""
    totals = [metric.rule().metric.total for metric in config.metrics if metric.kind == "proportion"]
    if not totals:
        return None
    found = [arm.series[total].value for total in totals if total in arm.series]
    return int(max((float(value[usable(value)].sum()) for value in found), default=0.0))


def with_traffic(case: Case, config: JudgeConfig, least: int | None) -> Case:
    """The case, undecided at best where a version had fewer requests than `least` (None: the policy's least)."""
    needed = config.policy.min_requests if least is None else least
    problems = list(case.evidence.problems)
    for name in _ARMS:
        count = requests_of(config, getattr(case.evidence, name))
        if count is not None and count < needed:
            had = "no request" if count == 0 else f"only {plural(count, 'request')}"
            problems.append(
                Problem(
                    "inconclusive", f"the {name} had {had}, {needed:,} are needed for a pass (--min-requests)"
                )
            )
    return replace(case, evidence=replace(case.evidence, problems=tuple(problems)))
