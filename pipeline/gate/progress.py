"""What a look shows, in a line: the time that is left, what is worse, what is within its margin, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.base.text import duration
from pipeline.judge.headline import PATIENCE
from pipeline.judge.verdict import Decision, Lack, MetricVerdict, Verdict
from pipeline.judge.words import titles_of

__all__ = ["shown", "time_left"]

_MOST: Final = 4  # metrics that are named of a kind


def shown(verdict: Verdict) -> str:
    """What a look has shown so far."""
    by = {decision: [m for m in verdict.metrics if m.decision is decision] for decision in Decision}
    parts = []
    if by[Decision.FAIL]:
        parts.append(f"shown worse: {_titles(by[Decision.FAIL])}")
    if by[Decision.PASS]:
        parts.append(f"within margin: {_titles(by[Decision.PASS])}")
    undecided = by[Decision.INCONCLUSIVE]
    for words, those in (
        ("open", [m for m in undecided if m.lacks is Lack.CERTAINTY]),
        ("too few samples", [m for m in undecided if m.lacks is Lack.SAMPLES]),
        ("in doubt", [m for m in undecided if m.lacks is Lack.TRUST]),
        ("no data", by[Decision.NODATA]),
    ):
        if those:
            parts.append(f"{words}: {_titles(those)}{_wait(those)}")
    return "; ".join(parts) or "nothing can be compared yet"


def time_left(seconds: float) -> str:
    """The time to the planned end, in words."""
    return f"{duration(max(0, round(seconds)))} left"


def _titles(metrics: Sequence[MetricVerdict]) -> str:
    return titles_of([m.title or m.name for m in metrics], most=_MOST)


def _wait(metrics: Sequence[MetricVerdict]) -> str:
    """How much more evidence all of them need, where that is known and no more than anybody waits for."""
    waits = [m.more_minutes for m in metrics]
    known = [wait for wait in waits if wait is not None]
    if len(known) < len(waits) or not known or max(known) > PATIENCE:
        return ""
    return f" ({duration(60 * max(1, round(max(known))))} more)"
