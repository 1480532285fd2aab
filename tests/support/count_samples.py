"""Hits by the second with a known share: alone, or in bursts."""

from __future__ import annotations

import numpy as np

from pipeline.judge.stats.shares import Tally

__all__ = ["outages", "spells", "steady"]


def steady(share: float, seconds: int, rng: np.random.Generator, rate: int = 50) -> Tally:
    """Each request is a hit or not, by itself."""
    return Tally(rng.binomial(rate, share, seconds).astype(float), np.full(seconds, float(rate)))


def outages(share: float, seconds: int, rng: np.random.Generator, rate: int = 50) -> Tally:
    """Every request of a 2 s outage fails; outages come at random, `share` of the time in all."""
    return spells(share, seconds, rng, rate, length=2.0, within=1.0)


def spells(
    share: float,
    seconds: int,
    rng: np.random.Generator,
    rate: int = 50,
    *,
    length: float = 2.0,
    within: float = 0.5,
) -> Tally:
    """In spells of so many seconds, which come at random, a request fails with the chance `within`; `share` in all."""
    t = np.arange(seconds * rate) / rate
    often = -np.log1p(-share / within) / length
    begun = rng.uniform(-length, seconds, rng.poisson(often * (seconds + length)))
    down = ((t >= begun[:, None]) & (t < begun[:, None] + length)).any(axis=0)
    if within < 1:
        down &= rng.random(len(t)) < within
    return Tally(down.reshape(seconds, rate).sum(axis=1).astype(float), np.full(seconds, float(rate)))
