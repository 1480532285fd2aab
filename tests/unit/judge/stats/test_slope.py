"""Bounds of a trend in the paired differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.support.slow_sequence as slow
from pipeline.judge.stats.slope import slope_bounds
from tests.support.series_samples import seconds_ar1

Floats = NDArray[np.float64]
ALPHA, BETA, PLANNED = 0.01, 0.05, 150
T = np.arange(1.0, PLANNED + 1) * 2


def noise(seed: int = 1, phi: float = 0.3) -> Floats:
    return seconds_ar1(phi, 1, seed).ravel()


def test_an_entry_of_the_bounds_is_what_its_blocks_alone_give() -> None:
    d = noise() + 0.01 * T
    whole = slope_bounds(T, d, ALPHA, BETA, planned=PLANNED)
    assert len(whole) == PLANNED
    for size in (2, 75, 100, 149):
        alone = slope_bounds(T[:size], d[:size], ALPHA, BETA, planned=PLANNED)
        assert alone.low[-1] == pytest.approx(whole.low[size - 1], rel=1e-9)
        assert alone.high[-1] == pytest.approx(whole.high[size - 1], rel=1e-9)


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.99])
def test_a_slow_implementation_from_the_definitions_agrees(phi: float) -> None:
    d = noise(phi=phi) + 0.02 * T
    bounds = slope_bounds(T, d, ALPHA, BETA, planned=PLANNED)
    for size in (75, 101, 150):
        at = size - 1
        got = (bounds.estimate[at], bounds.low[at], bounds.high[at], bounds.effective[at])
        np.testing.assert_allclose(got, slow.slope(T[:size], d[:size], ALPHA, BETA, PLANNED), rtol=1e-8)


def test_no_trend_is_told_before_half_of_the_planned_time() -> None:
    bounds = slope_bounds(T, 5 * T, ALPHA, BETA, planned=PLANNED)
    assert np.all(bounds.low[: PLANNED // 2 - 1] == -np.inf)
    assert np.all(bounds.high[: PLANNED // 2 - 1] == np.inf)
    assert bounds.low[PLANNED // 2 - 1] == pytest.approx(5)


@pytest.mark.parametrize("size", [0, 1])
def test_fewer_than_two_blocks_have_no_trend(size: int) -> None:
    bounds = slope_bounds(T[:size], np.zeros(size), ALPHA, BETA, planned=1)
    assert np.all(bounds.low == -np.inf)
    assert np.all(bounds.high == np.inf)


def test_blocks_on_a_line_bound_at_its_slope() -> None:
    for slope in (0.0, 3.0, -0.25):
        last = slope_bounds(T, slope * T + 7, ALPHA, BETA, planned=PLANNED).last()
        assert last.low == pytest.approx(slope)
        assert last.high == pytest.approx(slope)


def test_units_and_sign_carry_over() -> None:
    d = noise() + 0.01 * T
    plain = slope_bounds(T, d, ALPHA, ALPHA, planned=PLANNED)
    scaled = slope_bounds(T, d * 1e6, ALPHA, ALPHA, planned=PLANNED)
    slower = slope_bounds(T * 60, d, ALPHA, ALPHA, planned=PLANNED)
    mirrored = slope_bounds(T, -d, ALPHA, ALPHA, planned=PLANNED)
    np.testing.assert_allclose(scaled.low / 1e6, plain.low, rtol=1e-9)
    np.testing.assert_allclose(slower.low * 60, plain.low, rtol=1e-9)
    np.testing.assert_allclose(-mirrored.high, plain.low, rtol=1e-9)


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9])
def test_a_level_without_a_trend_is_rarely_ever_called_one(phi: float) -> None:
    bounds = slope_bounds(T, seconds_ar1(phi, 500, 2), 0.05, 0.05, planned=PLANNED)
    assert np.mean((bounds.low > 0).any(axis=-1)) <= 0.05
    assert np.mean((bounds.high < 0).any(axis=-1)) <= 0.05


def test_memory_that_moves_in_steps_and_stays_is_rarely_called_a_leak_and_still_bounded() -> None:
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.standard_normal((500, PLANNED)), axis=-1)
    bounds = slope_bounds(T, walk, 0.05, 0.05, planned=PLANNED)
    assert np.mean((bounds.low > 0).any(axis=-1)) <= 0.05
    assert np.all(np.isfinite(bounds.high[:, -1]))


def test_a_leak_in_noise_is_seen_within_the_run() -> None:
    d = seconds_ar1(0.3, 200, 4) + 3 * T / T[-1]
    bounds = slope_bounds(T, d, ALPHA, BETA, planned=PLANNED)
    assert np.mean((bounds.low > 0).any(axis=-1)) >= 0.95


def test_what_rises_and_settles_is_no_leak() -> None:
    rising = np.minimum(T, 60.0) + 0.1 * noise()
    assert np.all(slope_bounds(T, rising, ALPHA, BETA, planned=PLANNED).low < 0.01)


def test_what_begins_to_rise_at_half_time_is_bounded_by_its_late_slope() -> None:
    late = np.maximum(T - 150, 0.0) + 0.1 * noise()
    assert slope_bounds(T, late, ALPHA, BETA, planned=PLANNED).high[-1] > 0.9
