"""What is worth a note beside the verdict, and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from pipeline.judge.catalogue import Kind
from pipeline.judge.evidence import Evidence
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision, MetricVerdict
from pipeline.judge.words import amount, count_of, percent, rough

__all__ = ["body_notes", "drift_notes", "status_notes", "unended_notes"]

# Kinds that a slower machine does not change: it makes neither errors nor restarts.
_STEADY: Final = (Kind.PROPORTION, Kind.COUNT)
# Where the baseline's bodies have more different values than this share of them, one more tells nothing.
_ALIKE: Final = 0.1


def status_notes(baseline: ArmView, canary: ArmView) -> tuple[str, ...]:
    """Statuses the canary gave and the baseline never did, in words."""
    known = baseline.statuses
    return tuple(
        f"{f'Status {status}' if status else 'No response'} on {count_of(n, canary.sent)} canary requests, "
        "never on the baseline"
        for status, n in canary.statuses.items()
        if status not in known
    )


# Why an answer that began did not end; the loader's words are in loadgen/result.py.
_UNENDED: Final = {
    "oversize": "larger than the loader reads",
    "timeout": "not whole in time",
    "cut": "still coming when the other version's turn began",
    "reset": "broken off",
}


def unended_notes(baseline: ArmView, canary: ArmView) -> tuple[str, ...]:
    """How many answers of each version began, with a status, and did not end: each is an error of its version."""
    notes = []
    for name, arm in (("baseline", baseline), ("canary", canary)):
        if arm.unended:
            kinds = ", ".join(f"{_UNENDED.get(kind, kind)}: {count:,}" for kind, count in arm.unended.items())
            count = count_of(sum(arm.unended.values()), arm.sent)
            notes.append(f"{count} answers of the {name} began and did not end ({kinds})")
    return tuple(notes)


def body_notes(baseline: ArmView, canary: ArmView) -> tuple[str, ...]:
    """How many of the canary's good bodies no body of the baseline is equal to, where most of those are alike.

    A note, no metric: bodies may carry dates or random names, and a new version may well answer differently.
    """
    known, bodies = np.unique(baseline.bodies()), canary.bodies()
    if len(known) == 0 or len(bodies) == 0 or len(known) > _ALIKE * baseline.good:
        return ()
    new = int(np.count_nonzero(~np.isin(bodies, known)))
    if new == 0:
        return ()
    return (
        f"The bodies of {count_of(new, len(bodies))} good canary responses differ from all of the baseline's",
    )


def drift_notes(
    rules: Sequence[MetricRule], metrics: Sequence[MetricVerdict], evidence: Evidence
) -> tuple[str, ...]:
    """How large a drift of the machine between the two phases would explain the fails, where one could."""
    if evidence.pairing == "time":
        return ()
    shown = []
    for rule, metric in zip(rules, metrics, strict=True):
        if metric.decision is not Decision.FAIL or metric.low is None:
            continue
        if rule.metric.kind not in _STEADY and not {metric.name, rule.name} & evidence.drift.keys():
            low = rough(metric.low)
            size = percent(low) if metric.effect_kind == "relative" else amount(low, metric.unit)
            shown.append(f"{metric.title} by {size}")
    if not shown:
        return ()
    if not evidence.load:  # series from elsewhere: there is no machine to calibrate and no schedule to change
        return (
            f"What else changed between the two times ({'; '.join(shown)}) would look the same; series of one time, in "
            "which both versions ran, tell it apart",
        )
    return (
        f"Not calibrated: a machine that itself changed between the two phases ({'; '.join(shown)}) would look "
        "the same. `pipeline calibrate` tells how much it does, and --schedule interleaved or concurrent does not mind",
    )
