"""Wald's bound: how many samples on average a test needs that knows both shares beforehand.

A. Wald, Sequential tests of statistical hypotheses, 1945: when the alternative holds, no sequential test with that
chance of a false alarm needs fewer on average (overshoot left aside).
"""

from __future__ import annotations

import math

__all__ = ["sample_bound"]


def sample_bound(before: float, after: float, alpha: float) -> float:
    """ln(1/alpha) / KL(after || before), in samples.

    >>> round(sample_bound(0.01, 0.03, 0.01))
    350
    """
    information = after * math.log(after / before)
    if after < 1:
        information += (1 - after) * math.log((1 - after) / (1 - before))
    return math.log(1 / alpha) / information
