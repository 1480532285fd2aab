"""Two arms of single values, such as latencies, by second and by block: what quantiles are compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arms", "Values", "looks_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Where both arms grow, the looks are each second of the first, and then those that are so much later.
_EACH_SECOND: Final = 20
_LATER: Final = 1.05


@dataclass(frozen=True, eq=False)
class Values:
    """One arm's values in the order of time.

    Attributes:
        value: shape (m,), finite.
        second: of which second each is, rising, shape (m,): 0 for the arm's first where the baseline was complete
            before the canary began; where both grow together, seconds are counted from the start of both.
        block: to which pair of blocks each belongs, -1 for none, shape (m,).
        seconds: how many seconds there are.
        blocks: how many pairs of blocks there are.
    """

    value: Floats
    second: Ints
    block: Ints
    seconds: int
    blocks: int

    @cached_property
    def ranked(self) -> Floats:
        """The values in order."""
        return np.sort(self.value)

    def quantile(self, quantile: float) -> float:
        """Of all values; linear between the two nearest."""
        return _quantile(self.ranked, quantile)

    def quantiles_so_far(self, quantiles: Sequence[float], stops: Ints) -> Floats:
        """Of the first so many values, at least one, for each of `stops`, which rise; shape (quantiles, stops)."""
        order = np.argsort(self.value, kind="stable")
        found = []
        for stop in stops[::-1].tolist():  # of the longest what is in the next is left
            order = order[order < stop]
            ranked = self.value[order]
            found.append([_quantile(ranked, quantile) for quantile in quantiles])
        return np.array(found[::-1]).T

    @cached_property
    def by_second(self) -> Floats:
        """How many there are, shape (seconds,)."""
        return np.bincount(self.second, minlength=self.seconds).astype(np.float64)

    @cached_property
    def by_block(self) -> Floats:
        """How many there are, shape (blocks,)."""
        return np.bincount(self.block[self.block >= 0], minlength=self.blocks).astype(np.float64)

    def hits_by_second(self, hit: Bools) -> Floats:
        """How many of the hits are in each second, shape (seconds,)."""
        return np.bincount(self.second[hit], minlength=self.seconds).astype(np.float64)

    def hits_by_block(self, hit: Bools) -> Floats:
        """How many of the hits are in each block, shape (blocks,)."""
        block = self.block[hit]
        return np.bincount(block[block >= 0], minlength=self.blocks).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """Both arms' values, and how they are to be compared.

    Attributes:
        baseline, canary: the values.
        planned: how many seconds of the canary are expected, or of both arms where they grow together.
        pairs: which seconds of the baseline and of the canary belong together, each of shape (p,), in the order of
            time; None where the baseline was complete before the canary began.
        slice_seconds: for how many seconds an arm is measured before the other's turn; None: both at once.
    """

    baseline: Values
    canary: Values
    planned: float
    pairs: tuple[Ints, Ints] | None
    slice_seconds: int | None = None


def _quantile(ranked: Floats, quantile: float) -> float:
    """As numpy.quantile, which would sort anew."""
    place = quantile * (len(ranked) - 1)
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return float(ranked[below] + (place - below) * (ranked[above] - ranked[below]))


def looks_of(arms: Arms) -> Ints:
    """The seconds after which is looked, shape (k,); the last one is always among them."""
    last = arms.canary.seconds - 1
    if arms.pairs is None or last < _EACH_SECOND:
        return np.arange(last + 1)
    count = math.ceil(math.log((last + 1) / _EACH_SECOND) / math.log(_LATER)) + 1
    later = np.geomspace(_EACH_SECOND, last, count).round().astype(np.int64)
    return np.unique(np.concatenate([np.arange(_EACH_SECOND), later]))
