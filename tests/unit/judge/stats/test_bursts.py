"""How many independent requests those of a burst are worth."""

from __future__ import annotations

import numpy as np

from pipeline.judge.stats import bursts
from tests.support.count_samples import outages, steady


def test_errors_that_come_alone_count_nearly_in_full_and_outages_as_about_one() -> None:
    rng = np.random.default_rng(2)
    kept = {}
    for kind in (steady, outages):
        arms = [(arm.hits, arm.n) for arm in (kind(0.02, 300, rng), kind(0.02, 300, rng))]
        kept[kind] = bursts.tempering(*arms, fixed_baseline=True)[-1]
    assert kept[steady] > 0.9
    assert kept[outages] < 1 / 40


def test_what_came_before_tells_how_errors_come_whatever_their_share_was() -> None:
    rng = np.random.default_rng(3)
    none, all_fail = (np.zeros(60), np.full(60, 50.0)), (np.full(3, 50.0), np.full(3, 50.0))
    before = outages(0.02, 300, rng)
    alone = bursts.tempering(none, all_fail, fixed_baseline=True)
    told = bursts.tempering(none, all_fail, fixed_baseline=True, earlier=[(before.hits, before.n)])
    assert np.all(told < alone / 1.2)
    low, high = steady(0.01, 200, rng), steady(0.2, 100, rng)
    kept = bursts.tempering(none, (high.hits, high.n), fixed_baseline=True, earlier=[(low.hits, low.n)])
    assert kept[-1] > 0.9


def test_a_burst_lasts_seconds_and_not_steps_of_a_series() -> None:
    """Ten steps in which a third fails: of a second each they may be one burst; of 15 s they are at least ten."""
    none, third = (np.zeros(10), np.full(10, 150.0)), (np.full(10, 50.0), np.full(10, 150.0))
    seconds, steps = (bursts.tempering(none, third, fixed_baseline=False, step=step) for step in (1.0, 15.0))
    assert np.all(steps > 1.3 * seconds)


def test_one_step_in_which_all_fails_may_still_be_one_outage() -> None:
    none, all_fail = (np.zeros(1), np.full(1, 900.0)), (np.full(1, 900.0), np.full(1, 900.0))
    kept = bursts.tempering(none, all_fail, fixed_baseline=False, step=60.0)
    assert kept[0] < 1 / 25
