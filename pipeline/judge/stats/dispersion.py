"""How much more hits a second vary than independent requests would: the dispersion, with a long memory.

Whether a request is slow depends on the machine's mood, which lasts for seconds or minutes. So slow requests of
neighbouring seconds are alike, and a thousand of them may be worth ten. The dispersion is the long-run variance of the
hits a second over the variance that independent requests would have; evidence is divided by it (docs/judge.md).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from pipeline.judge.stats.dependence import autocovariances, long_run

__all__ = ["ASSUMED", "difference_dispersion", "pooled_dispersion"]

Floats = NDArray[np.float64]

# Seconds that are worth less than this many independent ones are too few to say so: the dispersion is capped there.
_FEWEST: Final = 4.0
# In the first seconds nothing can be measured: this is assumed for so many of them.
ASSUMED: Final = 1.5
_ASSUMED_SECONDS: Final = 6.0
_COARSE: Final = 5  # seconds of a longer block
# In turns: so many slices are the least that tell anything, and until then so much is assumed.
_FEWEST_SLICES: Final = 4
_UNKNOWN: Final = 50.0
_SURE: Final = 0.999


def pooled_dispersion(baseline: tuple[Floats, Floats], canary: tuple[Floats, Floats]) -> Floats:
    """At each of the canary's seconds, from all of a baseline that is complete and the canary so far.

    Args:
        baseline, canary: hits and their total by the second, each of shape (k,) of its arm.

    Returns:
        The dispersion, at least 1, shape (k,) of the canary.
    """
    fine = _pooled(baseline, canary, 1.0)
    # What lasts for long is hidden in single seconds by the chance of single requests, and seen in longer blocks.
    coarse = _pooled(_blocks(baseline, _COARSE), _blocks(canary, _COARSE), 0.0)
    seconds = len(canary[0])
    known = np.minimum(np.arange(1, seconds + 1) // _COARSE, len(coarse))
    held = np.concatenate([coarse[:1] if len(coarse) else fine[:1], coarse])[known]
    return np.asarray(np.maximum(fine, held), dtype=np.float64)


def _blocks(arm: tuple[Floats, Floats], size: int) -> tuple[Floats, Floats]:
    hits, n = (column[: len(column) // size * size].reshape(-1, size).sum(axis=1) for column in arm)
    return hits, n


def _pooled(baseline: tuple[Floats, Floats], canary: tuple[Floats, Floats], errors: float) -> Floats:
    lags = int(np.sqrt(len(baseline[0]) + len(canary[0]))) + 2
    before, b_binomial, b_seconds = _of_arm(*baseline, lags)
    after, c_binomial, c_seconds = _of_arm(*canary, lags)
    if len(b_seconds) == 0:
        return np.ones(len(c_seconds))
    covariance = [b[-1:] + c for b, c in zip(before, after, strict=True)]
    return _dispersion(covariance, b_binomial[-1:] + c_binomial, b_seconds[-1:] + c_seconds, errors)


def difference_dispersion(
    baseline: tuple[Floats, Floats], canary: tuple[Floats, Floats], *, slice_seconds: int | None = None
) -> Floats:
    """At each pair of seconds of two arms that grow together: of the difference of their shares.

    What slows both versions in the same seconds cancels in the difference, so it is not held against them. Of arms that
    are measured in turns it does not: all seconds of a slice share the machine's mood, so that the slices are what
    varies, and a few of them tell little of how much. Before the fourth nothing is known, and later the dispersion is
    raised as Student's t of so few is above the normal quantile (at 0.001).

    Args:
        baseline, canary: hits and their total of each pair's second, all of shape (k,).
        slice_seconds: how many pairs follow each other before the other arm's turn; None: both are measured at once.

    Returns:
        The dispersion, at least 1, shape (k,).
    """
    by_second = _of_differences(baseline, canary)
    if slice_seconds is None:
        # What lasts is seen in longer blocks, as in `pooled_dispersion`, once there are a few of them.
        longer = _of_differences(_blocks(baseline, _COARSE), _blocks(canary, _COARSE), assumed=0.0)
        longer[: _FEWEST_SLICES - 1] = 1.0
        held = np.append(1.0, longer)[np.arange(1, len(by_second) + 1) // _COARSE]
        return np.asarray(np.maximum(by_second, held), dtype=np.float64)
    by_slice = _of_differences(_blocks(baseline, slice_seconds), _blocks(canary, slice_seconds), assumed=0.0)
    degrees = np.arange(len(by_slice), dtype=np.float64)
    with np.errstate(invalid="ignore"):
        raised = by_slice * (stdtrit(np.maximum(degrees, 1.0), _SURE) / ndtri(_SURE)) ** 2
    raised[: _FEWEST_SLICES - 1] = _UNKNOWN
    known = np.arange(1, len(by_second) + 1) // slice_seconds
    return np.asarray(np.maximum(by_second, np.append(_UNKNOWN, raised)[known]), dtype=np.float64)


def _of_differences(
    baseline: tuple[Floats, Floats], canary: tuple[Floats, Floats], assumed: float = _ASSUMED_SECONDS
) -> Floats:
    (b_hits, b_n), (c_hits, c_n) = baseline, canary
    k = np.arange(1, len(b_n) + 1, dtype=np.float64)
    b_all, c_all = np.maximum(np.cumsum(b_n), 1.0), np.maximum(np.cumsum(c_n), 1.0)
    b_share, c_share = np.cumsum(b_hits) / b_all, np.cumsum(c_hits) / c_all
    columns = (c_hits, c_n, b_hits, b_n)
    # Each pair's part of the difference of the shares, times the number of pairs.
    weights = (k / c_all, -c_share * k / c_all, -k / b_all, b_share * k / b_all)
    covariance = autocovariances(columns, weights, int(np.sqrt(len(k))) + 2)
    binomial = k * k * (c_share * (1 - c_share) / c_all + b_share * (1 - b_share) / b_all)
    return _dispersion(covariance, binomial, k, 1.0, assumed)


def _of_arm(hits: Floats, n: Floats, lags: int) -> tuple[list[Floats], Floats, Floats]:
    k = np.arange(1, len(n) + 1, dtype=np.float64)
    total = np.cumsum(n)
    share = np.cumsum(hits) / np.maximum(total, 1.0)
    covariance = autocovariances((hits, n), (np.ones_like(n), -share), lags)
    return covariance, total * share * (1 - share), k


def _dispersion(
    covariance: list[Floats], binomial: Floats, k: Floats, errors: float, assumed: float = _ASSUMED_SECONDS
) -> Floats:
    found = long_run(covariance, k, fitted=1, errors=errors)
    most = np.maximum(ASSUMED, k / _FEWEST)
    inflation = np.minimum(k / found.effective, most)
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = np.where(binomial > 0, found.variance * k * inflation / binomial, 1.0)
    settled = k / (k + assumed)
    return np.asarray(
        np.maximum(settled * np.maximum(measured, 1.0) + (1 - settled) * ASSUMED, 1.0), dtype=np.float64
    )
