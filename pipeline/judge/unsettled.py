"""A version whose speed changed greatly while it was measured, as that of a service that had not warmed up.

Where one version is measured after the other, what it was while it started is not what the other is compared with.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.judge.catalogue import Metric
from pipeline.judge.evidence import Arm, Evidence, usable
from pipeline.judge.words import amount

__all__ = ["changes_with_speed", "unsettled"]

# The median of a third of the measured time against that of another: neighbours on a busy machine move it by less.
_TIMES: Final = 3.0
_FEWEST: Final = 20  # answers in a third


def changes_with_speed(metric: Metric) -> bool:
    """Whether a service that has not warmed up, or a machine that stalls, changes this metric: times and use of CPU."""
    return metric.needs_work and ((metric.requests and metric.unit != "B") or metric.unit == "cores")


def unsettled(evidence: Evidence) -> str | None:
    """Which version's latency was three times as high in one part of its measured time as in another, in words.

    Of the canary only one that begins slowly is meant: what becomes slow later is its own. None where both settled, or
    where both are measured at once or in turns, so that both have the same seconds.
    """
    if not evidence.load or evidence.pairing != "age":
        return None
    baseline, canary = _thirds(evidence.baseline), _thirds(evidence.canary)
    for name, thirds in (("baseline", baseline), ("canary", canary)):
        if thirds is None:
            continue
        seconds, first, last = thirds
        if first >= _TIMES * last:
            return (
                f"the {name} was still becoming faster while it was measured (median {amount(first, 's')} in the first "
                f"{amount(seconds, 's')}, {amount(last, 's')} in the last): a longer --warmup"
            )
        if name == "baseline" and last >= _TIMES * first:
            return (
                f"the baseline became slower while it was measured (median {amount(first, 's')} in the first "
                f"{amount(seconds, 's')}, {amount(last, 's')} in the last): --schedule concurrent"
            )
    return None


def _thirds(arm: Arm) -> tuple[float, float, float] | None:
    """Seconds of a third of an arm's measured time, and the median latency in the first and the last one."""
    rows, length = arm.requests, arm.seconds / 3
    if not arm.phase_starts or not np.isfinite(length):
        return None
    age = rows.t - arm.phase_starts[0]
    timed = usable(rows.latency) & usable(age)
    first, last = (rows.latency[timed & part] for part in (age < length, age >= 2 * length))
    if min(len(first), len(last)) < _FEWEST:
        return None
    return length, float(np.median(first)), float(np.median(last))
