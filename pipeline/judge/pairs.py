"""Blocks of both arms, paired: each block of the canary beside the one of the baseline it compares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockValues", "Pairing", "Pairs", "pair"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pairing = Literal["age", "time"]


@dataclass(frozen=True, slots=True, eq=False)
class BlockValues:
    """One statistic of one arm, an entry a block; arrays of equal length, in any order.

    - `phase`: the index of the block's phase among the arm's measured phases, 0 for the first
    - `number`: the block's place within its phase, 0 for the one that begins with the phase
    - `middle`: seconds since the run's start; only `time` looks at it
    - `value`: the statistic; an entry that is not finite counts as a block that is missing
    """

    phase: Ints
    number: Ints
    middle: Floats
    value: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs in the order in which the canary's blocks were measured; arrays of equal length k >= 0.

    - `t`: seconds of the canary's measurement at the end of each pair's block
    - `baseline`, `canary`: the paired values
    - `at_baseline`, `at_canary`: their indices in what was given
    """

    t: Floats
    baseline: Floats
    canary: Floats
    at_baseline: Ints
    at_canary: Ints

    def __len__(self) -> int:
        return len(self.t)


def pair(baseline: BlockValues, canary: BlockValues, pairing: Pairing, *, seconds: float) -> Pairs:
    """Pairs blocks of `seconds` each; a block whose partner is missing, or not there yet, is left out.

    The k-th measured phase of the canary goes with the k-th of the baseline, block by block from the
    phases' starts. In the phased schedule that is like age with like (`age`). In slices ordered ABBA it is
    each slice with the one next to it, and every slice once. With `time`, phases that overlap (both versions
    measured at once) are paired by the clock instead. Because the pairing goes by the phases' indices, what
    comes later never changes a pair that was made.
    """
    b_known = np.flatnonzero(np.isfinite(baseline.value))
    c_known = np.flatnonzero(np.isfinite(canary.value))
    b_number, c_number = baseline.number[b_known].copy(), canary.number[c_known]
    b_phase, c_phase = baseline.phase[b_known], canary.phase[c_known]
    if pairing == "time":
        for phase in np.intersect1d(b_phase, c_phase):
            b_here, c_here = b_phase == phase, c_phase == phase
            b_middle, c_middle = baseline.middle[b_known][b_here], canary.middle[c_known][c_here]
            if _overlap(b_middle, c_middle, seconds):
                b_start = b_middle[0] - b_number[b_here][0] * seconds
                c_start = c_middle[0] - c_number[c_here][0] * seconds
                b_number[b_here] += round(float(b_start - c_start) / seconds)
    longest = int(canary.number.max(initial=0)) + 1
    width = 2 * (longest + int(np.abs(b_number).max(initial=0)) + 1)
    _, b_at, c_at = np.intersect1d(
        b_phase * width + b_number, c_phase * width + c_number, assume_unique=True, return_indices=True
    )
    at_baseline, at_canary = b_known[b_at].astype(np.int64), c_known[c_at].astype(np.int64)
    before = canary.phase[at_canary] * longest + canary.number[at_canary]
    return Pairs(
        (before.astype(np.float64) + 1) * seconds,
        baseline.value[at_baseline],
        canary.value[at_canary],
        at_baseline,
        at_canary,
    )


def _overlap(one: Floats, other: Floats, seconds: float) -> bool:
    """Whether two phases, given the middles of their blocks, were measured at the same time."""
    apart = max(one.min(), other.min()) - min(one.max(), other.max())
    return bool(apart <= seconds / 2)
