"""In which terms a difference is counted: as a fraction of the baseline, or as an amount."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Direction
from pipeline.judge.rules import MetricRule

__all__ = ["Scale", "scales"]

Floats = NDArray[np.float64]

# Where a metric has no floor of its own: a thousandth of the baseline counts as nothing, and nothing has no logarithm.
_LEAST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Scale:
    """How far the canary is from the baseline in the harmful direction.

    Relative differences are taken in logarithms: doubling and halving are then equally far, swapping the two
    versions only turns the sign, and units cancel. `margin` is in the effect's terms: a fraction when
    `relative`, else the metric's unit. Values below `floor` count as `floor`, where logarithms are taken.
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


def scales(rule: MetricRule, baseline: float) -> tuple[Scale, ...]:
    """The scale of each harmful direction, given the baseline's value.

    Where the threshold's fraction of the baseline is less than the metric's floor, the floor is the margin and
    the difference an amount: a fraction of next to nothing is noise.
    """
    limit, floor = rule.limit, rule.metric.floor
    relative = limit.relative and baseline > 0 and limit.value * baseline >= floor
    margin = limit.value if relative or not limit.relative else floor
    ways = {Direction.INCREASE: (True,), Direction.DECREASE: (False,), Direction.EITHER: (True, False)}
    least = max(floor, _LEAST * baseline) if relative else floor
    return tuple(Scale(relative, way, margin, least) for way in ways[rule.direction])


def _expm1(x: float) -> float:
    return math.expm1(x) if x < 700 else math.inf
