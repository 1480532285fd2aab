"""The upper bound at the end of a run, where there is one look and its time was fixed before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import fft, stats

from pipeline.judge.stats.final import FINAL_MIN_BLOCKS, final_high, final_more_blocks
from pipeline.judge.stats.mean import scan_bounds
from tests.support.series_samples import seconds_ar1

Floats = NDArray[np.float64]
BETA = 0.015  # what the judge gives it of 0.05


def slow(d: Floats, beta: float) -> float:
    """The same from scipy's cosine transform: type II, orthonormal, is what the definition sums."""
    count = int(0.4 * len(d) ** (2 / 3))
    variance = np.mean(fft.dct(d, type=2, norm="ortho")[1 : count + 1] ** 2)
    return float(np.mean(d) + stats.t.ppf(1 - beta, count) * math.sqrt(variance / len(d)))


@pytest.mark.parametrize("size", [FINAL_MIN_BLOCKS, 22, 60, 61, 150, 1000])
def test_it_is_the_interval_of_the_first_cosines(size: int) -> None:
    d = np.random.default_rng(size).normal(3, 2, size).cumsum() / size
    assert final_high(d, BETA) == pytest.approx(slow(d, BETA), rel=1e-9)


def test_too_few_blocks_bound_nothing() -> None:
    assert final_high(np.zeros(FINAL_MIN_BLOCKS - 1), BETA) == math.inf
    assert final_high(np.zeros(FINAL_MIN_BLOCKS), BETA) == 0.0


def test_units_and_zero_do_not_matter() -> None:
    d = seconds_ar1(0.6, 1, 3, blocks=60).ravel()
    assert final_high(1e6 * d, BETA) == pytest.approx(1e6 * final_high(d, BETA), rel=1e-12)
    assert final_high(d + 1e9, BETA) - 1e9 == pytest.approx(final_high(d, BETA), abs=1e-5)


@pytest.mark.parametrize(
    ("phi", "heavy"), [(0.0, False), (0.3, True), (0.6, False), (0.9, False), (0.9, True)]
)
@pytest.mark.parametrize("blocks", [30, 60, 150])
def test_the_mean_is_rarely_above_it(phi: float, heavy: bool, blocks: int) -> None:
    many = seconds_ar1(phi, 2000, 11, blocks=blocks, heavy=heavy)
    missed = np.mean([final_high(d, BETA) < 0 for d in many])
    # 1.5 % is what it is worth without correlation; at .9 a second it may take up to all of beta
    assert missed <= (0.05 if phi == 0.9 else 0.03)


def test_at_the_end_it_is_narrower_than_what_holds_at_every_look() -> None:
    d = seconds_ar1(0.9, 1, 5, blocks=60).ravel()
    every = scan_bounds(d, 0.0003, 0.05, planned=60).last()
    assert d.mean() < final_high(d, BETA) < d.mean() + (every.high - d.mean()) / 2


def test_how_many_more_blocks_would_bring_it_within_the_margin() -> None:
    d = seconds_ar1(0.6, 1, 5, blocks=60).ravel()
    d = d - d.mean()
    more = final_more_blocks(d, 0.3, BETA, planned=60)
    assert more is not None
    # as long again, and so on: the same series many times is what "blocks like these" means
    longer = np.tile(np.concatenate([d, d[::-1]]), math.ceil((60 + more) / 120))[: 60 + int(more)]
    assert final_high(longer, BETA) < 0.45
    assert final_high(d, BETA) > 0.3


def test_a_mean_beyond_the_margin_comes_within_it_by_no_waiting() -> None:
    assert final_more_blocks(np.ones(60), 0.5, BETA, planned=60) is None


def test_before_the_end_the_least_that_it_takes_is_the_end() -> None:
    assert final_more_blocks(np.zeros(30), 0.5, BETA, planned=60) == 30
