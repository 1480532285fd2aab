"""Two shares at once: the pair of shares for which two arms' evidence is weakest, and bounds from that.

"The canary's share exceeds the baseline's by at most d" is true of many pairs (p, p + d). Evidence against
it is the least, over p, of the evidence against p on one arm times that against p + d on the other. Each
factor's logarithm is convex, so there is one least value, and Newton's method finds it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.evalues import LogEvidence

__all__ = ["bound", "least"]

Floats = NDArray[np.float64]

_TOP = 1 - 1e-12  # at 1 a ratio of zero would divide by zero


def least(
    baseline: LogEvidence,
    canary: LogEvidence,
    shift: Floats,
    start: Floats,
    *,
    floor: float = 0.0,
    steps: int = 40,
) -> tuple[Floats, Floats, Floats]:
    """The least log evidence over p of "p, and p + shift", its slope in the shift, and that p.

    One entry a look. `start` is where to look first; p is at least `floor`. The value is never too high,
    however early the search ends: it is what the tangent at the last p still allows.
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


def bound(
    baseline: LogEvidence,
    canary: LogEvidence,
    needed: float,
    guess: Floats,
    step: Floats,
    start: Floats,
    widest: float,
) -> Floats:
    """The shift nearest to `guess` at which the least log evidence was found to be `needed` or more.

    Newton's method on a convex function: once a shift is refuted, all further ones are too, and they close in
    on the edge of what is not; so whichever is the last, the bound holds. No step is longer than `step` times
    its number, which starts at 1: where evidence is flat, the tangent points nowhere. The bound is
    `widest` where nothing was refuted. One entry a look.
    """
    shift = np.clip(guess, -1.0, 1.0)
    best = np.full(len(shift), widest)
    p, left = start.copy(), np.arange(len(shift))
    for number in range(1, 16):
        if len(left) == 0:
            break
        now, limit = shift[left], step[left] * number
        value, slope, p[left] = least(baseline.pick(left), canary.pick(left), now, p[left])
        refuted = value >= needed
        best[left[refuted]] = now[refuted]
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.where(value == needed, 0.0, (needed - value) / slope)
        # Next to -1 and 1 evidence is too steep to find back from.
        after = np.clip(now + np.clip(move, -limit, limit), (now - 1) / 2, (now + 1) / 2)
        near = np.abs(after - now) <= 0.01 * step[left]
        shift[left] = after
        left = left[~((refuted & near) | (after == now))]
    return best
