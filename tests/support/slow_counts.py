"""The mathematics of docs/judge.md ("Proportions") word by word: slow, obvious, sharing only its constants.

Likelihoods instead of closed forms, sums of binomial terms instead of special functions, a fine grid instead
of Newton's method, halving instead of inverse functions, loops instead of cumulative sums.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.judge.stats.evalues import Prior

Floats = NDArray[np.float64]

_HALF = np.geomspace(1e-6, 0.5, 800)
GRID: Floats = np.concatenate([_HALF, 1 - _HALF[-2::-1]])


def mixture(hits: float, n: float, share: Floats, prior: Prior, temper: float) -> Floats:
    """Mixed likelihood ratios against each share, each to the power `temper`."""
    total = np.zeros(len(share))
    for ratio, weight in zip(prior.ratio, prior.weight, strict=True):
        other = share * ratio / (1 - share + share * ratio)
        with np.errstate(divide="ignore"):
            log = (hits * np.log(other / share) if hits else 0.0) + (n - hits) * np.log(
                (1 - other) / (1 - share)
            )
        total += weight * np.exp(temper * log)
    return total


def tail(
    hits: int, n: int, share: Floats, *, upper: bool, kappa: float, even: float, temper: float
) -> Floats:
    """The chance of so few (`upper`) or so many hits under each share, made an e-value."""
    counts = range(hits + 1) if upper else range(hits, n + 1)
    chance = sum((math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in counts), np.zeros(len(share)))
    return even + (1 - even) * kappa * np.minimum(chance, 1.0) ** ((kappa - 1) * temper)


def dispersion(
    arms: Sequence[tuple[Sequence[float], Sequence[float]]], burst_seconds: int, separate_hits: float
) -> float:
    """How much more the hits a second vary than those of independent requests; arms as (hits, n)."""
    spread = binomial = noise = hits_seen = squares = struck = 0.0
    for hits, n in arms:
        if not sum(n):
            continue
        share = sum(hits) / sum(n)
        off = [h - m * share for h, m in zip(hits, n, strict=True)]
        weights = {
            lag: 1 - abs(lag) / (burst_seconds + 1) for lag in range(-burst_seconds, burst_seconds + 1)
        }
        seconds = sum(m > 0 for m in n)
        long_run = sum(
            weights[s - t] * off[s] * off[t]
            for s in range(len(off))
            for t in range(len(off))
            if abs(s - t) <= burst_seconds
        )
        spread += long_run * seconds / (seconds - min(sum(weights.values()), seconds / 2))
        own = sum(n) * share * (1 - share)
        binomial += own
        noise += (
            own**2 * (2 + sum((2 * weights[lag]) ** 2 for lag in range(1, burst_seconds + 1))) / seconds + own
        )
        hits_seen += sum(hits)
        squares += sum(h * h for h in hits)
        struck += sum(h > 0 for h in hits)
    if not hits_seen:
        return 1.0
    ratio, error = (spread / binomial, math.sqrt(noise) / binomial) if binomial else (1.0, 0.0)
    separate = min(binomial / max(ratio, 1.0), 2 * struck / burst_seconds)
    return max(1.0, ratio - error, 1 + math.exp(-separate / separate_hits) * (squares / hits_seen - 1))


def upper_share(hits: int, n: int, level: float) -> float:
    """The exact bound of Clopper and Pearson: of the shares that give so few hits with a chance of `level` the only."""
    low, high = hits / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        chance = sum(math.comb(n, k) * middle**k * (1 - middle) ** (n - k) for k in range(hits + 1))
        low, high = (middle, high) if chance > level else (low, middle)
    return low if hits < n else 1.0


def upper_difference(b_hits: int, b_n: int, hits: int, n: int, level: float) -> float:
    """Of the canary's share less the baseline's: the distances of both exact bounds squared and added."""
    up = upper_share(hits, n, level) - hits / n
    down = b_hits / b_n - (1 - upper_share(b_n - b_hits, b_n, level))
    return hits / n - b_hits / b_n + math.hypot(up, down)


def final_dispersion(
    arms: Sequence[tuple[Sequence[float], Sequence[float]]], *, together: bool
) -> tuple[float, float]:
    """The long-run variance of the difference of shares over the binomial one, and its degrees of freedom."""
    series, binomial = [], 0.0
    for hits, n in arms:
        share = sum(hits) / sum(n)
        binomial += share * (1 - share) / sum(n)
        series.append([(h - m * share) / sum(n) for h, m in zip(hits, n, strict=True)])
    if together:
        series = [[c - b for b, c in zip(*series, strict=True)]]
    variances, counts = [], []
    for one in series:
        size = len(one)
        count = max(1, int(0.4 * size ** (2 / 3)))
        waves = [
            sum(
                y * math.sqrt(2 / size) * math.cos(math.pi * j * (k - 0.5) / size)
                for k, y in enumerate(one, 1)
            )
            for j in range(1, count + 1)
        ]
        variances.append(size * sum(wave * wave for wave in waves) / count)
        counts.append(count)
    whole = sum(variances)
    return whole / binomial, whole**2 / sum(v * v / count for v, count in zip(variances, counts, strict=True))


def final_high(
    arms: Sequence[tuple[Sequence[float], Sequence[float]]], beta: float, *, together: bool
) -> float:
    """The wider of the bound for independent requests and the one for as many as the dispersion leaves, by Student's t.

    Where the dispersion leaves no whole number of requests, the exact bounds are those of the beta distribution.
    """
    (b_hits, b_n), (hits, n) = ((sum(h), sum(m)) for h, m in arms)
    factor, degrees = final_dispersion(arms, together=together)
    level = float(stats.norm.sf(stats.t.isf(beta, degrees)))

    def exact(h: float, m: float) -> float:
        return float(stats.beta.isf(level, h + 1, m - h)) if h < m else 1.0

    share, b_share = hits / n, b_hits / b_n
    up = exact(hits / factor, n / factor) - share
    down = b_share - (1 - exact((b_n - b_hits) / factor, b_n / factor))
    independent = upper_difference(int(b_hits), int(b_n), int(hits), int(n), beta)
    return max(independent, share - b_share + math.hypot(up, down))
