"""How many requests of the canary a test needs on average, at least, to tell its errors from the baseline's.

A. Wald, Sequential tests of statistical hypotheses, 1945: when the alternative holds, no sequential test with that
chance of a false alarm needs fewer than ln(1 / alpha) / KL on average (overshoot left aside). Where the hypothesis has
many shares, the one of them that is hardest to tell from the truth counts.
"""

from __future__ import annotations

import math

from scipy.optimize import minimize_scalar

__all__ = ["bound_with_margin", "sample_bound"]


def sample_bound(before: float, after: float, alpha: float) -> float:
    """For a test that knows both shares, and to which any increase matters.

    >>> round(sample_bound(0.01, 0.03, 0.01))
    350
    """
    return math.log(1 / alpha) / _information(after, before)


def bound_with_margin(before: float, after: float, margin: float, alpha: float, *, known: bool) -> float:
    """For a test that shows an increase beyond `margin`, told in shares: all that it is asked.

    Args:
        before, after: the true shares of the baseline and of the canary.
        margin: how much more is allowed, at least 0.
        alpha: the chance of a false alarm.
        known: the baseline's share is known; otherwise it is learnt from as many requests as the canary's.

    >>> round(bound_with_margin(0.01, 0.03, 0.003, 0.01, known=True))
    559
    >>> round(bound_with_margin(0.01, 0.03, 0.003, 0.01, known=False))
    1182
    """
    if known:
        return sample_bound(before + margin, after, alpha)
    # If the baseline had the share p, the canary might have p + margin: the likeliest such p is the hardest to exclude.
    hardest = minimize_scalar(
        lambda p: _information(after, p + margin) + _information(before, p),
        bounds=(before, after - margin),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return math.log(1 / alpha) / float(hardest.fun)


def _information(truth: float, told: float) -> float:
    """The information of a request, Kullback and Leibler's, for `truth` against `told`; both are shares."""
    found = truth * math.log(truth / told) if truth > 0 else 0.0
    if truth < 1:
        found += (1 - truth) * math.log((1 - truth) / (1 - told))
    return found
