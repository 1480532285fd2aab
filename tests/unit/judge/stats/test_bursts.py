"""How many independent requests those of a burst are worth."""

from __future__ import annotations

import numpy as np

from pipeline.judge.stats import bursts
from pipeline.judge.stats.shares import Tally


def steady(share: float, seconds: int, rng: np.random.Generator, rate: int = 50) -> Tally:
    return Tally(rng.binomial(rate, share, seconds).astype(float), np.full(seconds, float(rate)))


def outages(share: float, seconds: int, rng: np.random.Generator, rate: int = 50) -> Tally:
    """Every request of a 2 s outage fails; outages come at random, `share` of the time in all."""
    t = np.arange(seconds * rate) / rate
    begun = rng.uniform(-2, seconds, rng.poisson(share / 2 * (seconds + 2)))
    down = ((t >= begun[:, None]) & (t < begun[:, None] + 2)).any(axis=0)
    return Tally(down.reshape(seconds, rate).sum(axis=1).astype(float), np.full(seconds, float(rate)))


def test_errors_that_come_alone_count_nearly_in_full_and_outages_as_about_one() -> None:
    rng = np.random.default_rng(2)
    kept = {}
    for kind in (steady, outages):
        arms = [(arm.hits, arm.n) for arm in (kind(0.02, 300, rng), kind(0.02, 300, rng))]
        kept[kind] = bursts.tempering(*arms, fixed_baseline=True)[-1]
    assert kept[steady] > 0.9
    assert kept[outages] < 1 / 40
