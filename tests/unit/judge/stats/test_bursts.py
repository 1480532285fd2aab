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
