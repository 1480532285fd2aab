"""The bounds at the end of a run, where there is one look and its time was fixed before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

import tests.support.slow_sequence as slow
from pipeline.judge.stats.final import FINAL_MIN_BLOCKS, final_bounds, final_more_blocks
from pipeline.judge.stats.mean import scan_bounds
from pipeline.judge.stats.random_walk import range_factor
from tests.support.series_samples import seconds_ar1

Floats = NDArray[np.float64]
ALPHA, BETA = 0.002, 0.04


@pytest.mark.parametrize("size", [FINAL_MIN_BLOCKS, 22, 60, 61, 150])
@pytest.mark.parametrize("walks", [False, True])
@pytest.mark.parametrize("parted", [False, True])
def test_a_slow_implementation_from_the_definitions_agrees(size: int, walks: bool, parted: bool) -> None:
    d = np.random.default_rng(size).normal(3, 2, size)
    d = d.cumsum() / size if walks else d
    begin = 3 * size // 4 if parted else 0
    low, high = final_bounds(d, ALPHA, BETA, begin=begin)
    mean = float(d[begin:].mean())
    assert mean - low == pytest.approx(slow.final_width(d, ALPHA, begin, strict=True), rel=1e-9)
    assert high - mean == pytest.approx(slow.final_width(d, BETA, begin, strict=False), rel=1e-9)


def test_too_few_blocks_bound_nothing() -> None:
    assert final_bounds(np.zeros(FINAL_MIN_BLOCKS - 1), ALPHA, BETA) == (-math.inf, math.inf)
    assert final_bounds(np.zeros(FINAL_MIN_BLOCKS), ALPHA, BETA) == (0.0, 0.0)


def test_a_chance_of_nothing_bounds_nothing() -> None:
    d = seconds_ar1(0.3, 1, 3, blocks=60).ravel()
    assert final_bounds(d, 0.0, BETA)[0] == -math.inf
    assert final_bounds(d, ALPHA, 0.0)[1] == math.inf
    assert final_more_blocks(d, 9.0, 0.0, 0.0, planned=60) is None


def test_units_and_zero_do_not_matter() -> None:
    d = seconds_ar1(0.6, 1, 3, blocks=60).ravel()
    plain, larger, moved = (final_bounds(x, ALPHA, BETA) for x in (d, 1e6 * d, d + 1e9))
    assert larger == pytest.approx((1e6 * plain[0], 1e6 * plain[1]), rel=1e-9)
    assert (moved[0] - 1e9, moved[1] - 1e9) == pytest.approx(plain, abs=1e-4)


@pytest.mark.parametrize(
    ("phi", "heavy"), [(0.0, False), (0.3, True), (0.6, False), (0.9, False), (0.9, True)]
)
@pytest.mark.parametrize("blocks", [30, 60])
def test_the_mean_is_rarely_outside(phi: float, heavy: bool, blocks: int) -> None:
    many = seconds_ar1(phi, 1500, 11, blocks=blocks, heavy=heavy)
    bounds = np.array([final_bounds(d, 0.01, BETA) for d in many])
    assert np.mean(bounds[:, 0] > 0) <= 0.015
    assert np.mean(bounds[:, 1] < 0) <= 0.055


@pytest.mark.parametrize("blocks", [30, 60])
def test_a_pass_keeps_its_chance_where_steps_resemble_their_neighbours_by_nine_tenths(blocks: int) -> None:
    """A series in steps of 15 s or a minute has no finer noise that would make blocks less alike."""
    shocks = np.random.default_rng(17).standard_normal((2000, 200 + blocks))
    many = lfilter([math.sqrt(1 - 0.9**2)], [1, -0.9], shocks, axis=1)[:, 200:]
    beyond = np.mean([final_bounds(d, 0.0, 0.05)[1] < 0 for d in many])
    assert beyond <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)  # it was .11


def test_what_may_have_no_mean_passes_by_how_far_it_went() -> None:
    walk = np.cumsum(np.random.default_rng(4).standard_normal(60))
    high = final_bounds(walk, 0.0, BETA)[1]
    assert high - walk.mean() >= range_factor(BETA) * np.ptp(walk)
    assert final_more_blocks(walk, walk.mean() + 1, 0.0, BETA, planned=60) is None


def test_low_holds_where_there_is_no_mean_to_return_to() -> None:
    walks = np.cumsum(np.random.default_rng(12).standard_normal((1500, 60)), axis=-1)
    assert np.mean([final_bounds(d, 0.01, 0.0)[0] > 0 for d in walks]) <= 0.015


def test_as_if_blocks_were_independent_it_would_alarm_often() -> None:
    """What the cosines are for: the checks above have the power to see their lack."""
    d = seconds_ar1(0.9, 500, 11, blocks=60)
    far = 2.33 * d.std(axis=-1, ddof=1) / math.sqrt(60)
    assert np.mean(d.mean(axis=-1) > far) > 0.1


def test_independent_blocks_are_bounded_nearly_as_by_the_t_test() -> None:
    d = seconds_ar1(0.0, 300, 5, blocks=60)
    widths = [
        (high - x.mean()) / (x.std(ddof=1) / math.sqrt(60))
        for x in d
        for high in [final_bounds(x, 0.0, BETA)[1]]
    ]
    assert np.median(widths) < 1.1 * 1.78  # Student's t of 59 degrees of freedom


def test_a_last_part_is_bounded_with_what_the_whole_tells_of_the_noise() -> None:
    d = seconds_ar1(0.0, 1, 7, blocks=150).ravel()
    d[-15:] += 2
    assert final_bounds(d, 1e-5, 0.0, begin=135)[0] > 0.5
    assert final_bounds(d[-15:], 1e-5, 0.0)[0] < 0


def test_at_the_end_it_is_narrower_than_what_holds_at_every_look() -> None:
    d = seconds_ar1(0.9, 1, 5, blocks=60).ravel()
    every = scan_bounds(d, 0.0003, 0.05, planned=60).last()
    assert d.mean() < final_bounds(d, ALPHA, BETA)[1] < d.mean() + (every.high - d.mean()) / 2


def test_how_many_more_blocks_would_bring_it_within_the_margin() -> None:
    d = seconds_ar1(0.6, 1, 5, blocks=60).ravel()
    d = d - d.mean()
    more = final_more_blocks(d, 0.3, ALPHA, BETA, planned=60)
    assert more is not None
    # as long again, and so on: the same series many times is what "blocks like these" means
    longer = np.tile(np.concatenate([d, d[::-1]]), math.ceil((60 + more) / 120))[: 60 + int(more)]
    assert final_bounds(longer, ALPHA, BETA)[1] < 0.45
    assert final_bounds(d, ALPHA, BETA)[1] > 0.3


def test_a_mean_beyond_the_margin_is_shown_to_be_by_longer_runs() -> None:
    d = 1 + seconds_ar1(0.0, 1, 5, blocks=30).ravel()
    more = final_more_blocks(d, 0.8, ALPHA, BETA, planned=30)
    assert more is not None
    assert more > 0
    assert final_more_blocks(d, float(d.mean()), ALPHA, BETA, planned=30) is None


def test_before_the_end_the_least_that_it_takes_is_the_end() -> None:
    assert final_more_blocks(np.zeros(30), 0.5, ALPHA, BETA, planned=60) == 30
