"""Quantiles by shares (docs/judge.md) word by word: loops and a fine grid, sharing only constants with the judge."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.judge.stats.evalues import Prior
from tests.support import slow_counts

Floats = NDArray[np.float64]


def long_run_ratio(series: Sequence[Sequence[float]], errors: float) -> tuple[float, int]:
    """The long-run variance of residuals over that of one, and how many there are; each series has mean 0."""
    k = sum(map(len, series))
    longest = math.isqrt(k) + 1

    def covariance(lag: int) -> float:
        return sum(x[i] * x[i - lag] for x in series for i in range(lag, len(x)))

    g = [covariance(lag) for lag in range(longest + 2)]
    if g[0] <= 0:
        return 0.0, k
    found = g[1] / g[0]
    raised = found + (1 + 3 * found) / k + errors * (1 + found**2) * math.sqrt(max(1 - found**2, 0) / k)
    r, phi, window = min(max(raised, 0.0), 0.97), min(max(found, 0.0), 0.97), math.isqrt(k)
    short = (1 + phi**2) * g[0] - 2 * phi * g[1]
    long = short + sum(
        2 * (1 - lag / (window + 1)) * ((1 + phi**2) * g[lag] - phi * (g[lag - 1] + g[lag + 1]))
        for lag in range(1, window + 1)
    )
    kept = max(1 - (window + 1) / k, 0.1)
    return (1 + r) / (1 - r) * max(long / short / kept, 1.0), k


def dispersion(arms: Sequence[tuple[Sequence[float], Sequence[float]]], step: int, errors: float) -> float:
    """Of hits and totals by the second of a finished baseline and a canary so far, in blocks of `step` seconds."""
    residuals, binomial = [], 0.0
    for hits, n in arms:
        size = len(n) // step
        h = [sum(hits[i * step : (i + 1) * step]) for i in range(size)]
        m = [sum(n[i * step : (i + 1) * step]) for i in range(size)]
        share = sum(h) / max(sum(m), 1)
        residuals.append([a - share * b for a, b in zip(h, m, strict=True)])
        binomial += sum(m) * share * (1 - share)
    ratio, k = long_run_ratio(residuals, errors)
    ratio = min(ratio, max(1.5, k / 4))
    square = sum(x * x for one in residuals for x in one) / (k - 1)
    left = max(1 - (long_run_ratio(residuals, errors)[0] - 1) / (k - 1), 0.1)
    measured = max(square / left * k * ratio / binomial, 1.0) if binomial else 1.0
    return max(1.0, k / (k + 6) * measured + 6 / (k + 6) * 1.5)


def log_evidence(
    baseline: tuple[int, int], canary: tuple[int, int], temper: float, prior: Prior, tail: tuple[float, float]
) -> float:
    """The least evidence, over a grid of shares, that the canary's share of hits is above a finished baseline's.

    Args:
        baseline, canary: hits and of how many.
        temper: the share of the requests that counts as independent.
        prior: over the odds ratios of the canary's share.
        tail: kappa and the even part of the baseline's calibrator.
    """
    kappa, even = tail
    with np.errstate(divide="ignore", over="ignore"):
        log_chance = stats.binom.logcdf(*baseline, slow_counts.GRID)
        b = np.log(even + (1 - even) * kappa * np.exp((kappa - 1) * temper * log_chance))
        return float((b + np.log(slow_counts.mixture(*canary, slow_counts.GRID, prior, temper))).min())
