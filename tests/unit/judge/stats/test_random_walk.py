"""A series that stays where it went, as a random walk does, is bounded by how far it went."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.judge.stats.mean import mean_bounds, scan_bounds
from pipeline.judge.stats.random_walk import RANDOM_WALK_MIN_BLOCKS, random_walk_bounds, range_factor

LOOKS = 150
SERIES = 4000


def walks(phi: float, seed: int) -> NDArray[np.float64]:
    """Series of twice the looks; phi 1 is a random walk."""
    steps = np.random.default_rng(seed).standard_normal((SERIES, 2 * LOOKS))
    x = np.empty_like(steps)
    x[:, 0] = steps[:, 0] / np.sqrt(1 - phi**2) if phi < 1 else steps[:, 0]
    for i in range(1, 2 * LOOKS):
        x[:, i] = phi * x[:, i - 1] + steps[:, i]
    return x


@pytest.mark.parametrize("phi", [1.0, 0.99, 0.9])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_the_average_of_as_long_again_is_rarely_ever_beyond_the_bounds(phi: float, level: float) -> None:
    x = walks(phi, 11)
    so_far = x[:, :LOOKS]
    low, high = random_walk_bounds(so_far, level, level, planned=LOOKS)
    looks = np.arange(1, LOOKS + 1)
    sums = np.cumsum(x, axis=1)
    again = (sums[:, 2 * looks - 1] - sums[:, :LOOKS]) / looks
    allowed = level + 3 * np.sqrt(level * (1 - level) / SERIES)
    assert np.mean(np.any(again > high, axis=1)) <= allowed
    assert np.mean(np.any(again < low, axis=1)) <= allowed


def test_memory_that_settles_far_within_its_margin_passes_though_its_mean_cannot_be_bounded() -> None:
    age = np.arange(60.0)
    d = -0.1 * np.exp(-age / 20) + 0.002 * np.sin(age)  # settles from 10 % less to the same
    alone, both = (bound(d, 0.0003, 0.05, planned=60).last() for bound in (mean_bounds, scan_bounds))
    assert alone.high > np.log1p(0.3) > both.high


def test_memory_that_is_half_as_much_again_all_along_fails() -> None:
    age = np.arange(60.0)
    d = np.log(1.5) + 0.01 * np.cumsum(np.random.default_rng(3).standard_normal(60)) / 8
    found = scan_bounds(d + 0.001 * age / 60, 0.0006, 0.05, planned=60).last()
    assert found.low > np.log1p(0.3)


def test_nothing_is_said_before_there_was_time_to_move() -> None:
    low, high = random_walk_bounds(np.zeros(100), 0.01, 0.05, planned=100)
    assert np.flatnonzero(np.isfinite(high))[0] == RANDOM_WALK_MIN_BLOCKS - 1
    assert np.flatnonzero(np.isfinite(low))[0] == 49


def test_the_bounds_mirror_and_scale_with_the_series() -> None:
    d = walks(1.0, 4)[0]
    low, high = random_walk_bounds(d, 0.02, 0.02, planned=10)
    mirrored = random_walk_bounds(-3 * d, 0.02, 0.02, planned=10)
    start = RANDOM_WALK_MIN_BLOCKS - 1
    np.testing.assert_allclose(mirrored[0][start:], -3 * high[start:])
    np.testing.assert_allclose(mirrored[1][start:], -3 * low[start:])
    assert range_factor(0.01) > range_factor(0.05)
