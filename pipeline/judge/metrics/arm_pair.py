"""The pair of arms that is compared, and what one metric of theirs is compared by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.policy import Policy

__all__ = ["ArmPair"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ArmPair:
    """Both arms, and how one metric of theirs is to be compared.

    Attributes:
        baseline, canary: the arms.
        policy: the run's.
        alpha: the metric's own part of the policy's.
        pairing: as in Evidence.
        planned: seconds, as in Evidence.
        drift: the metric's own, as in Evidence; None when nobody calibrated.
        once, open_ended: as in Evidence.
        together: whether both arms had requests in the same seconds; None: as these requests say. A rare request of a
            mix has none in most seconds, so of each it is said what holds of all.
    """

    baseline: ArmView
    canary: ArmView
    policy: Policy
    alpha: float
    pairing: str
    planned: float
    drift: float | None
    once: bool = False
    open_ended: bool = False
    together: bool | None = None

    @property
    def phased(self) -> bool:
        """One arm was measured after the other, so the baseline was complete before the canary began."""
        return self.pairing != "time"

    @property
    def at_once(self) -> bool:
        """Both arms had requests in the same seconds."""
        b, c = self.baseline, self.canary
        if self.phased or not b.sent or not c.sent:
            return False
        if self.together is not None:
            return self.together
        return c.remember("at once", lambda: _mostly_common(b.seconds_measured, c.seconds_measured))

    @property
    def requests_per_block(self) -> float:
        """How many requests a block has on average of both arms."""
        rates = [arm.sent / arm.seconds for arm in (self.baseline, self.canary) if arm.seconds]
        return self.policy.block_seconds * sum(rates) / len(rates) if rates else 0.0

    @property
    def length(self) -> float:
        """Seconds for which the canary is to be measured: as planned, else as long as the baseline was."""
        return self.planned or self.baseline.seconds

    @property
    def complete(self) -> bool:
        """The canary was measured for all that time, so the time of this look does not depend on the data."""
        return not self.open_ended and self.canary.seconds >= self.length


def _mostly_common(baseline: Floats, canary: Floats) -> bool:
    return len(np.intersect1d(baseline, canary)) >= len(canary) / 2
