"""In which terms a difference is counted: as a fraction of the baseline, or as an amount."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """How far the canary is from the baseline in the harmful direction.

    Relative differences are taken in logarithms: doubling and halving are then equally far, swapping the two
    versions only turns the sign, and units cancel.

    Attributes:
        relative: as a fraction of the baseline, otherwise in the metric's unit.
        increase: an increase is the harm, otherwise a decrease.
        margin: how much harm is allowed, in the effect's terms: a fraction when `relative`, else the metric's unit.
        floor: where logarithms are taken, smaller values count as this one.
    """

    relative: bool
    increase: bool
    margin: float
    floor: float

    def differences(self, baseline: Floats, canary: Floats) -> Floats:
        """The harm of each pair, positive when worse: of logarithms when relative."""
        difference = self._flat(canary) - self._flat(baseline)
        return difference if self.increase else -difference

    def centre(self, values: Floats) -> float:
        """The mean that belongs to the differences: the geometric one when relative."""
        if not self.relative or float(values.min()) < self.floor:
            return float(values.mean())
        return float(np.exp(np.log(values).mean()))

    def effect(self, difference: float) -> float:
        """A mean difference in the effect's terms: canary / baseline - 1, or its negative for a decrease."""
        if not self.relative:
            return difference
        return _expm1(difference) if self.increase else -_expm1(-difference)

    def difference(self, effect: float) -> float:
        """The mean difference that is this effect; inf where no difference is as large."""
        if not self.relative:
            return effect
        if self.increase:
            return math.log1p(effect)
        return -math.log1p(-effect) if effect < 1 else math.inf

    def _flat(self, values: Floats) -> Floats:
        return np.log(np.maximum(values, self.floor)) if self.relative else values


def _expm1(x: float) -> float:
    return math.expm1(x) if x < 700 else math.inf
