"""Two shares at once: the pair of shares for which two arms' evidence is weakest, and bounds from that.

"The canary's share exceeds the baseline's by at most d" is true of many pairs (p, p + d). Evidence against
it is the least, over p, of the evidence against p on one arm times that against p + d on the other. Each
factor's logarithm is convex, so there is one least value, and Newton's method finds it (the least favourable pair).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogEvidence", "least_evidence", "shift_bound"]

Floats = NDArray[np.float64]

_TOP = 1 - 1e-12  # at 1 a ratio of zero would divide by zero


class LogEvidence(Protocol):
    """The logarithm of one arm's e-value as a convex function of the share it speaks against, an entry a look."""

    def at(self, share: Floats, /) -> tuple[Floats, Floats, Floats]:
        """The value, and its first and second derivative, of each look against that look's share; all (k,)."""

    def pick(self, looks: NDArray[np.int64], /) -> LogEvidence:
        """The same at some looks only, by their indices."""


def least_evidence(
    baseline: LogEvidence,
    canary: LogEvidence,
    shift: Floats,
    start: Floats,
    *,
    floor: float = 0.0,
    steps: int = 40,
) -> tuple[Floats, Floats, Floats]:
    """The least log evidence over p against "the baseline's share is p, the canary's p + shift".

    Args:
        baseline, canary: the evidence of each arm at the same k looks.
        shift: the assumed difference of the shares at each look, shape (k,).
        start: where to look first, shape (k,).
        floor: p is at least this.
        steps: of Newton's method, at most.

    Returns:
        The least evidence, its slope in the shift, and the p where it was found; each of shape (k,). The evidence is
        never too high, however early the search ends: it is what the tangent at the last p still allows.
    """
    low = np.clip(-shift, floor, _TOP)
    high = np.maximum(low, np.minimum(_TOP, _TOP - shift))
    # Where the canary's share is at 0 or 1, a shift moves the baseline's instead.
    pinned_low, pinned_high = low > floor, high < _TOP
    p = np.clip(start, low, high)
    for step in range(steps):
        left, left_slope, left_curve = baseline.at(p)
        right, right_slope, right_curve = canary.at(np.clip(p + shift, 0.0, _TOP))
        value, slope, curve = left + right, left_slope + right_slope, left_curve + right_curve
        low, high = np.where(slope < 0, p, low), np.where(slope < 0, high, p)
        missing = np.where(slope < 0, slope * (high - p), slope * (low - p))
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            there = p - slope / curve
        here = np.isfinite(there) & (there >= low) & (there <= high)
        if step == steps - 1 or not np.any(missing < -1e-3):
            break
        # Halfway in the angle whose sine squared is p: as good near 0 and near 1 as between.
        middle = np.sin((np.arcsin(np.sqrt(low)) + np.arcsin(np.sqrt(high))) / 2) ** 2
        p = np.where(here, there, middle)
    pinned = np.where(slope > 0, pinned_low, pinned_high & (slope < 0))
    return value + missing, np.where(pinned, -left_slope, right_slope), p


def shift_bound(
    baseline: LogEvidence,
    canary: LogEvidence,
    needed: float,
    guess: Floats,
    step: Floats,
    start: Floats,
    widest: float,
) -> Floats:
    """The shift nearest to `guess` at which the least log evidence was found to be `needed` or more.

    Newton's method on a convex function: once a shift is refuted, all further ones are too, and they approach
    the edge of what is not; so whichever is the last, the bound holds.

    Args:
        baseline, canary: the evidence of each arm at the same k looks.
        needed: the logarithm of 1 / alpha.
        guess: where to begin, shape (k,).
        step: no step is longer than this times its number (from 1), shape (k,): where evidence is flat, the tangent
            leads too far.
        start: the share to begin the inner search at, shape (k,).
        widest: the bound where no shift was refuted, -1 or 1.

    Returns:
        The bound at each look, shape (k,).
    """
    shift = np.clip(guess, -1.0, 1.0)
    best = np.full(len(shift), widest)
    p, left = start.copy(), np.arange(len(shift))
    for number in range(1, 16):
        if len(left) == 0:
            break
        now, limit = shift[left], step[left] * number
        value, slope, p[left] = least_evidence(baseline.pick(left), canary.pick(left), now, p[left])
        refuted = value >= needed
        best[left[refuted]] = now[refuted]
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.where(value == needed, 0.0, (needed - value) / slope)
        # Near -1 and 1 evidence is so steep that Newton's method does not come back.
        after = np.clip(now + np.clip(move, -limit, limit), (now - 1) / 2, (now + 1) / 2)
        near = np.abs(after - now) <= 0.01 * step[left]
        shift[left] = after
        left = left[~((refuted & near) | (after == now))]
    return best
