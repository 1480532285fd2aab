"""Hits by the second with a known share: alone, or in bursts."""

from __future__ import annotations

import numpy as np

from pipeline.judge.stats.shares import Tally

__all__ = ["outages", "steady"]


def steady(share: float, seconds: int, rng: np.random.Generator, rate: int = 50) -> Tally:
    """Each request is a hit or not, by itself."""
    return Tally(rng.binomial(rate, share, seconds).astype(float), np.full(seconds, float(rate)))


def outages(share: float, seconds: int, rng: np.random.Generator, rate: int = 50) -> Tally:
    """Every request of a 2 s outage fails; outages come at random, `share` of the time in all."""
    t = np.arange(seconds * rate) / rate
    begun = rng.uniform(-2, seconds, rng.poisson(share / 2 * (seconds + 2)))
    down = ((t >= begun[:, None]) & (t < begun[:, None] + 2)).any(axis=0)
    return Tally(down.reshape(seconds, rate).sum(axis=1).astype(float), np.full(seconds, float(rate)))
