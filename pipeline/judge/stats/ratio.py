"""The ratio of two arithmetic means: what the canary costs for what the baseline costs, block by block.

Means and not logarithms of blocks, because what is paid is the sum: a geometric mean takes more scatter for less cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.dependence import Dependence, dependence

__all__ = ["Ratio"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """Paired blocks, of which log(mean of `canary` / mean of `baseline`) is bounded.

    By the delta method the logarithm deviates from the truth as the mean of c_i / C - b_i / B does, C and B being the
    means. That is symmetric about 0 wherever both arms have one shape, whatever the ratio; swapping the arms turns the
    sign, and units cancel.

    Attributes:
        baseline, canary: the pairs' values, finite, of shape (..., k), time on the last axis.
        least: a mean below this, which is more than 0, counts as this.
    """

    baseline: Floats
    canary: Floats
    least: float

    def __len__(self) -> int:
        return int(self.canary.shape[-1])

    def since(self, begin: int) -> Ratio:
        """Without the first `begin` pairs."""
        return Ratio(self.baseline[..., begin:], self.canary[..., begin:], self.least)

    def until(self, end: int) -> Ratio:
        """The first `end` pairs alone."""
        return Ratio(self.baseline[..., :end], self.canary[..., :end], self.least)

    def linear(self) -> Floats:
        """A series whose mean is the logarithm, and whose variation is that of c_i / C - b_i / B; shape (..., k)."""
        b, c = (
            np.maximum(arm.mean(axis=-1, keepdims=True), self.least) for arm in (self.baseline, self.canary)
        )
        moved = self.canary / c - self.baseline / b
        moved -= moved.mean(axis=-1, keepdims=True)
        return np.asarray(np.log(c / b) + moved, dtype=np.float64)

    def estimates(self) -> Floats:
        """The logarithm of each prefix, shape (..., k)."""
        b, c = self._means()
        return np.asarray(np.log(c / b), dtype=np.float64)

    def dependence(self) -> Dependence:
        """That of c_i / C - b_i / B, for each prefix with its own C and B."""
        (b_first, b_moved, b_mean), (c_first, c_moved, c_mean) = (
            _from_first(arm) for arm in (self.baseline, self.canary)
        )
        b, c = self._means()
        # What the residuals lack to a sum of 0; 0 itself unless a mean counts as `least`.
        middle = (b_mean - b_first) / b - (c_mean - c_first) / c
        return dependence((c_moved, b_moved, np.ones_like(c)), (1 / c, -1 / b, middle), fitted=1)

    def steady(self, blocks: int) -> Floats:
        """c_i / C - b_i / B with C and B fixed by the first `blocks` pairs, shape (..., k).

        A block's value does not depend on later ones, so a range of these can be followed block by block.
        """
        b, c = (
            np.maximum(arm[..., :blocks].mean(axis=-1, keepdims=True), self.least)
            for arm in (self.baseline, self.canary)
        )
        return np.asarray(self.canary / c - self.baseline / b, dtype=np.float64)

    def _means(self) -> tuple[Floats, Floats]:
        b, c = (np.maximum(_from_first(arm)[2], self.least) for arm in (self.baseline, self.canary))
        return b, c


def _from_first(arm: Floats) -> tuple[Floats, Floats, Floats]:
    """The first value, the values counted from it, and the mean of each prefix.

    Sums of squares of large numbers would lose the small differences.
    """
    first = arm[..., :1]
    moved = arm - first
    mean = first + np.cumsum(moved, axis=-1) / np.arange(1, arm.shape[-1] + 1)
    return first, moved, mean
