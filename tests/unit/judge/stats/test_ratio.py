"""The ratio of two arithmetic means, bounded at every look."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.support.slow_sequence as slow
from pipeline.judge.stats.mean import MIN_BLOCKS, mean_bounds, scan_bounds
from pipeline.judge.stats.random_walk import RANDOM_WALK_MIN_BLOCKS
from pipeline.judge.stats.ratio import Ratio
from tests.support.series_samples import seconds_ar1

Floats = NDArray[np.float64]
ALPHA, BETA, PLANNED = 0.01, 0.05, 150


def arms(seed: int = 1, phi: float = 0.3, more: float = 1.1, series: int = 1) -> Ratio:
    """Two arms with lognormal blocks, the canary's `more` times the baseline's in law."""
    b, c = (np.exp(0.3 * seconds_ar1(phi, series, 2 * seed + k)) for k in (0, 1))
    return Ratio(b, more * c, 1e-9) if series > 1 else Ratio(b[0], more * c[0], 1e-9)


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.9])
def test_a_slow_implementation_from_the_definitions_agrees(phi: float) -> None:
    pairs = arms(phi=phi)
    bounds = mean_bounds(pairs, ALPHA, BETA, planned=PLANNED)
    for size in (MIN_BLOCKS, 9, 25, 64, 150):
        at = size - 1
        got = (bounds.estimate[at], bounds.low[at], bounds.high[at], bounds.effective[at])
        expected = slow.ratio(pairs.baseline[:size], pairs.canary[:size], ALPHA, BETA, PLANNED)
        np.testing.assert_allclose(got, expected, rtol=1e-8)


def test_an_entry_of_the_bounds_is_what_its_blocks_alone_give() -> None:
    pairs = arms()
    whole = scan_bounds(pairs, ALPHA, BETA, planned=PLANNED)
    for size in (1, 2, MIN_BLOCKS, 20, 77, 150):
        alone = scan_bounds(pairs.until(size), ALPHA, BETA, planned=PLANNED)
        for name in ("estimate", "low", "high", "effective"):
            assert getattr(alone, name)[-1] == pytest.approx(getattr(whole, name)[size - 1], rel=1e-9)


def test_swapping_the_arms_mirrors_the_bounds() -> None:
    there = arms()
    back = Ratio(there.canary, there.baseline, there.least)
    one, other = (scan_bounds(pairs, ALPHA, ALPHA, planned=PLANNED) for pairs in (there, back))
    np.testing.assert_allclose(one.estimate, -other.estimate, atol=1e-12)
    np.testing.assert_allclose(
        mean_bounds(there, ALPHA, ALPHA, planned=PLANNED).low,
        -mean_bounds(back, ALPHA, ALPHA, planned=PLANNED).high,
        rtol=1e-9,
    )


def test_units_cancel() -> None:
    plain = arms()
    for by_baseline, by_canary, moved in ((1e6, 1e6, 0.0), (1.0, 2.0, math.log(2))):
        other = Ratio(plain.baseline * by_baseline, plain.canary * by_canary, 1e-9)
        one, two = (scan_bounds(pairs, ALPHA, BETA, planned=PLANNED) for pairs in (plain, other))
        np.testing.assert_allclose(one.low + moved, two.low, atol=1e-9)
        np.testing.assert_allclose(one.high + moved, two.high, atol=1e-9)


def test_arms_that_do_not_move_bound_at_their_ratio() -> None:
    bounds = scan_bounds(Ratio(np.full(40, 3e8), np.full(40, 6e8), 1.0), ALPHA, BETA, planned=PLANNED)
    assert bounds.low[-1] == pytest.approx(math.log(2), abs=1e-12)
    assert bounds.high[-1] == pytest.approx(math.log(2), abs=1e-12)


def test_the_linear_series_has_the_estimate_for_its_mean_and_its_bounds_at_the_end() -> None:
    pairs = arms()
    linear = pairs.linear()
    ratio, plain = (mean_bounds(d, ALPHA, BETA, planned=PLANNED) for d in (pairs, linear))
    assert linear.mean() == pytest.approx(math.log(pairs.canary.mean() / pairs.baseline.mean()), rel=1e-12)
    assert ratio.low[-1] == pytest.approx(plain.low[-1], rel=1e-9)
    assert ratio.high[-1] == pytest.approx(plain.high[-1], rel=1e-9)


def test_a_steady_value_does_not_depend_on_what_comes_later() -> None:
    pairs = arms()
    whole, half = (one.steady(RANDOM_WALK_MIN_BLOCKS) for one in (pairs, pairs.until(75)))
    np.testing.assert_array_equal(whole[:75], half)


def test_a_mean_of_nothing_counts_as_the_least() -> None:
    nothing = Ratio(np.full(30, 2.0), np.zeros(30), 0.002)
    assert mean_bounds(nothing, ALPHA, BETA, planned=PLANNED).high[-1] == pytest.approx(math.log(0.001))


@pytest.mark.parametrize("more", [1.0, 1.1, 2.0])
@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9])
def test_the_ratio_is_rarely_ever_outside_though_every_block_is_a_look(phi: float, more: float) -> None:
    """With one shape of skewed blocks in both arms, at whatever ratio."""
    bounds = mean_bounds(arms(3, phi, more, series=1000), 0.05, 0.05, planned=PLANNED)
    assert np.mean((bounds.low > math.log(more)).any(axis=-1)) <= 0.05
    assert np.mean((bounds.high < math.log(more)).any(axis=-1)) <= 0.05
