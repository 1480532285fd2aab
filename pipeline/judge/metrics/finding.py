"""What a comparison found, before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.verdict import Summary

__all__ = ["NOTHING", "Finding", "Harm", "no_data", "shown_after"]

Floats = NDArray[np.float64]

NOTHING: Final = Summary(0, None)


@dataclass(frozen=True, slots=True)
class Harm:
    """How much worse the canary is in one respect, and what is shown of it.

    `effect`, `low`, `high`, `margin`, `bar` and `late` are in the terms of MetricVerdict.effect. A fail needs `low`
    beyond `bar`, and `real`; a pass needs `high` and `late` within `margin`.

    Attributes:
        baseline, canary: the values that are compared.
        relative: the terms are fractions of the baseline, otherwise the metric's unit.
        effect: the estimate of the harm, positive is worse.
        low, high: its bounds at the last look.
        margin: how much worse is allowed.
        bar: beyond this is a fail: the margin, or more where equal versions differed by more.
        late: the effect in the last part alone; None: nothing to say of it.
        effective: how many independent samples the evidence is worth.
        after: seconds of the canary's measurement at which it was first shown to be worse.
        more: how many more minutes would decide; None when no length of the same would.
        said: both values and the difference in words.
        allowed: the margin in words.
        real: whether the other conditions of a fail hold.
        doubt: why it is undecided, where more time would not help.
        late_part: of the canary's time, that `late` is about.
        aside: it is reported only where it decides, or hinders a pass that all else would allow.
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
    late_part: str = "second half"
    aside: bool = False

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

    Attributes:
        baseline, canary: the values that are shown where `harms` is empty.
        harms: each respect in which the canary may be worse.
        drift: see MetricVerdict.
        lacking: why nothing can be decided.
        nothing: there is nothing to compare at all.
        short: why it may not pass yet, however good it looks.
        short_minutes: how many more minutes would be enough.
        only_pass: why it may pass, but not fail.
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
        """The one to report: of those shown to be worse the surest, else the one that is furthest from passing.

        Harms may be in different units, so they are compared in margins.
        """

        def in_margins(harm: Harm, size: float) -> float:
            return size / harm.margin if harm.margin > 0 else size

        worse = [harm for harm in self.harms if harm.worse]
        if worse:
            return max(worse, key=lambda harm: (not harm.aside, in_margins(harm, harm.low)))
        return max(
            self.harms,
            key=lambda harm: (
                not harm.within,
                not harm.aside,
                in_margins(harm, harm.high),
                in_margins(harm, harm.effect),
            ),
            default=None,
        )

    @property
    def worse_after(self) -> float | None:
        """Seconds after which the first respect was shown to be worse, which need not be the one to report."""
        return min((one.after for one in self.harms if one.worse and one.after is not None), default=None)


def no_data(baseline: bool, canary: bool) -> Finding:
    """What to say when not both versions have data; the arguments tell which has."""
    if not baseline and not canary:
        return Finding(lacking="no data from either version", nothing=True)
    who = "the canary" if baseline else "the baseline"
    return Finding(lacking=f"no data from {who}, so nothing to compare with")


def shown_after(low: Floats, bar: float, t: Floats) -> float | None:
    """The first of the times `t` at which `low` was beyond the bar; None where it never was."""
    beyond = np.flatnonzero(low > bar)
    return float(t[beyond[0]]) if len(beyond) else None
