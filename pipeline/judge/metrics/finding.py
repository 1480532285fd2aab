"""What a comparison found, before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.rules import Policy
from pipeline.judge.verdict import Summary

__all__ = ["NOTHING", "Finding", "Harm", "Sides", "absent", "shown_after"]

Floats = NDArray[np.float64]

NOTHING: Final = Summary(0, None)


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Both arms and how they are to be compared; `alpha` is the metric's own part of the run's.

    `pairing` and `planned` (seconds) are as in Evidence. `drift` is the metric's own, None when nobody calibrated.
    """

    baseline: ArmView
    canary: ArmView
    policy: Policy
    alpha: float
    pairing: str
    planned: float
    drift: float | None

    @property
    def phased(self) -> bool:
        """One arm was measured after the other, so the baseline was complete before the canary began."""
        return self.pairing != "time"

    @property
    def length(self) -> float:
        """Seconds for which the canary is to be measured: as planned, else as long as the baseline was."""
        return self.planned or self.baseline.seconds

    @property
    def complete(self) -> bool:
        """The canary was measured for all that time, so that when this look takes place is not the data's choice."""
        return self.canary.seconds >= self.length


@dataclass(frozen=True, slots=True)
class Harm:
    """How much worse the canary is in one respect, and what is shown of it.

    `effect`, `low`, `high`, `margin`, `bar` and `late` are in the terms of MetricVerdict.effect, and `baseline` and
    `canary` the values they stand between. A fail needs `low` beyond `bar`, and `real`; a pass needs `high` and
    `late` (the effect in the second half alone; None: not looked at) within `margin`.

    - `after`: seconds of the canary's measurement at which it was first shown to be worse
    - `more`: how many more minutes would tell; None when no length of the same would
    - `said`: both values and the difference in words; `allowed`: the margin
    - `real`: whether what else a fail needs is given; `doubt`: why it is undecided, where that is no matter of time
    """

    baseline: Summary
    canary: Summary
    relative: bool
    effect: float
    low: float
    high: float
    margin: float
    bar: float
    late: float | None
    effective: float
    after: float | None
    more: float | None
    said: str
    allowed: str
    real: bool = True
    doubt: str = ""

    @property
    def worse(self) -> bool:
        """Shown to be worse than allowed."""
        return self.low > self.bar and self.real

    @property
    def within(self) -> bool:
        """Shown to be no worse than allowed."""
        return self.high <= self.margin and (self.late is None or self.late <= self.margin)


@dataclass(frozen=True, slots=True)
class Finding:
    """The harms of one metric: a fail needs one that is shown to be worse, a pass all within.

    `baseline` and `canary` are shown where there is no harm to tell of.

    - `drift`: see MetricVerdict
    - `lacking`: why nothing can be decided; `nothing`: there is nothing to compare at all
    - `short`: why it may not pass yet, however good it looks, and `short_minutes` how many more minutes it takes
    - `only_pass`: why it may pass and can do no more than that
    """

    baseline: Summary = NOTHING
    canary: Summary = NOTHING
    harms: tuple[Harm, ...] = ()
    drift: float = 0.0
    lacking: str | None = None
    nothing: bool = False
    short: str | None = None
    short_minutes: float | None = None
    only_pass: str | None = None

    @property
    def harm(self) -> Harm | None:
        """The one to tell of: the surest of those that are worse, else the one that is furthest from passing."""
        worse = [harm for harm in self.harms if harm.worse]
        if worse:
            return max(worse, key=lambda harm: harm.low)
        return max(self.harms, key=lambda harm: (not harm.within, harm.high, harm.effect), default=None)


def absent(baseline: bool, canary: bool) -> Finding:
    """What to say when not both versions have data; the arguments tell which has."""
    if not baseline and not canary:
        return Finding(lacking="no data from either version", nothing=True)
    who = "the canary" if baseline else "the baseline"
    return Finding(lacking=f"no data from {who}, so nothing to compare with")


def shown_after(low: Floats, bar: float, t: Floats) -> float | None:
    """The first of the times `t` at which `low` was beyond the bar; None where it never was."""
    beyond = np.flatnonzero(low > bar)
    return float(t[beyond[0]]) if len(beyond) else None
