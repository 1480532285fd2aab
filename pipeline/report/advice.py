"""What to type next where a run could not tell: longer, or both versions at once."""

from __future__ import annotations

import math
from typing import Final

from pipeline.judge.headline import PATIENCE
from pipeline.judge.verdict import Decision, Lack, Outcome, Verdict
from pipeline.report.facts import RunFacts

__all__ = ["advice"]

# Where one version after the other would need more minutes than this, measuring both at once is better advice: what the
# machine does then falls on both.
_PATIENCE: Final = 10.0


def advice(verdict: Verdict, facts: RunFacts) -> str | None:
    """One line for an inconclusive run that went to its end; None for every other.

    The options to add to the same command: as many minutes as the slowest undecided metric asks for, or the
    concurrent schedule where more of the same would not tell in any reasonable time.
    """
    undecided = [metric for metric in verdict.metrics if metric.decision is Decision.INCONCLUSIVE]
    if any(metric.lacks is Lack.TRUST for metric in undecided):
        return None  # what is wrong with the samples must be mended first; the reasons say what
    interrupted = any(problem.effect == "inconclusive" for problem in facts.problems)
    if verdict.outcome is not Outcome.INCONCLUSIVE or not undecided or interrupted or not facts.schedule:
        return None
    waits = [math.inf if m.more_minutes is None else m.more_minutes for m in undecided]
    if max(waits) <= (_PATIENCE if facts.schedule == "phased" else PATIENCE):
        minutes = math.ceil(facts.seconds("canary") / 60 + max(waits))
        return f"next: the same command with --duration {minutes}m"
    if facts.schedule == "phased":
        return "next: the same command with --schedule concurrent, where what the machine does falls on both versions"
    return "next: a quieter machine, or a wider margin (`threshold` in the profile): more of the same would hardly tell"
