"""In which terms a difference is counted: as a fraction of the baseline, or as an amount."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.ratio import Ratio

__all__ = ["Scale"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """How far the canary is from the baseline in the harmful direction.

    Relative differences are the logarithm of the ratio of the two means: doubling and halving are then equally far,
    swapping the two versions only turns the sign, and units cancel.

    Attributes:
        relative: as a fraction of the baseline, otherwise in the metric's unit.
        increase: an increase is the harm, otherwise a decrease.
        margin: how much harm is allowed, in the effect's terms: a fraction when `relative`, else the metric's unit.
        least: where logarithms are taken, a smaller mean counts as this.
    """

    relative: bool
    increase: bool
    margin: float
    least: float

    def harm(self, baseline: Floats, canary: Floats) -> Floats | Ratio:
        """What is bounded, positive when worse: the pairs' differences, or the ratio of the means when relative."""
        before, after = (baseline, canary) if self.increase else (canary, baseline)
        return Ratio(before, after, self.least) if self.relative else after - before

    def change(self, baseline: float, canary: float) -> float:
        """The effect that two means are."""
        difference = canary - baseline if self.increase else baseline - canary
        return difference / baseline if self.relative else difference

    def effect(self, difference: float) -> float:
        """A difference (a logarithm when relative) in the effect's terms, such as canary / baseline - 1."""
        if not self.relative:
            return difference
        return _expm1(difference) if self.increase else -_expm1(-difference)

    def difference(self, effect: float) -> float:
        """The difference that is this effect; inf where no difference is as large."""
        if not self.relative:
            return effect
        if self.increase:
            return math.log1p(effect)
        return -math.log1p(-effect) if effect < 1 else math.inf


def _expm1(x: float) -> float:
    return math.expm1(x) if x < 700 else math.inf
