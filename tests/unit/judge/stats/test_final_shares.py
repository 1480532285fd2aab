"""Bounds of two shares' difference at the end of a run, where there is one look and its time was fixed before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

import tests.support.slow_counts as slow
from pipeline.judge.stats.final_shares import (
    INDEPENDENT,
    Totals,
    bounds_of_totals,
    dispersion,
    final_bounds,
    last_quarter,
    square_and_add,
)
from pipeline.judge.stats.shares import Tally
from tests.support.count_samples import outages, spells, steady

Floats = NDArray[np.float64]
BOTH = pytest.mark.parametrize("together", [True, False], ids=["together", "one after the other"])
BETA, ALPHA, MARGIN = 0.04, 0.002, 0.003


def high(baseline: Tally, canary: Tally, *, together: bool = False, beta: float = BETA) -> float:
    return final_bounds(baseline, canary, 0.0, beta, together=together)[1]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_slow_way_gives_the_same_bound_of_counts(data: st.DataObject) -> None:
    b_n, n = (data.draw(st.integers(1, 60)) for _ in range(2))
    b_hits, hits = data.draw(st.integers(0, b_n)), data.draw(st.integers(0, n))
    found = square_and_add(np.array([b_hits, b_n], float), np.array([hits, n], float), BETA)
    assert found == pytest.approx(slow.upper_difference(b_hits, b_n, hits, n, BETA), abs=1e-9)


@BOTH
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_slow_way_gives_the_same_dispersion_and_bound(together: bool, data: st.DataObject) -> None:
    seconds = data.draw(st.integers(1, 30))
    column = st.lists(st.integers(0, 6), min_size=seconds, max_size=seconds)
    sent = [6.0] * seconds
    arms = [([float(x) for x in data.draw(column)], sent) for _ in range(2)]
    baseline, canary = (Tally(np.array(hits), np.array(n)) for hits, n in arms)
    found = dispersion(baseline, canary, together=together)
    if found == INDEPENDENT:  # nothing varies
        assert sum(np.std(hits) for hits, _ in arms) < 1e-9 or together
        return
    assert tuple(found) == pytest.approx(slow.final_dispersion(arms, together=together))
    if found.factor > 1e-3:
        expected = slow.final_high(arms, BETA, together=together)
        assert high(baseline, canary, together=together) == pytest.approx(expected, abs=1e-6)


def chances(size: int, share: float, counts: Floats) -> Floats:
    return np.asarray(stats.binom.pmf(counts, size, share), dtype=np.float64)


@pytest.mark.parametrize(
    ("b_n", "n", "excess"),
    [(60, 60, 1.0), (1500, 1500, 1.0), (6000, 6000, 1.0), (15000, 1500, 1.0), (1500, 15000, 1.15)],
)
@pytest.mark.parametrize("margin", [0.003, 0.05])
def test_independent_requests_are_beyond_each_bound_no_more_often_than_its_level(
    b_n: int, n: int, excess: float, margin: float
) -> None:
    """Exactly, over all outcomes that matter, with the difference at the margin and many shares of the baseline.

    A little more often above it where the canary has ten times as many requests as the baseline.
    """
    for share in (0.0, 1e-5, 2e-4, 1e-3, 0.005, 0.03):
        most = int(max(b_n, n) * (share + margin) + 12 * math.sqrt(max(b_n, n) * (share + margin)) + 30)
        b_hits, hits = np.arange(min(most, b_n) + 1.0), np.arange(min(most, n) + 1.0)
        chance = chances(b_n, share, b_hits)[:, None] * chances(n, share + margin, hits)[None, :]
        baseline = np.stack([b_hits, np.full(len(b_hits), float(b_n))])[:, :, None]
        canary = np.stack([hits, np.full(len(hits), float(n))])[:, None, :]
        assert chance[square_and_add(baseline, canary, BETA) < margin].sum() <= excess * BETA
        for alpha in (ALPHA, 1e-4):
            assert chance[-square_and_add(canary, baseline, alpha) > margin].sum() <= alpha


@pytest.mark.parametrize("n", [60, 1500, 15000])
def test_without_any_hit_it_is_the_exact_bound_of_one_share(n: int) -> None:
    found = high(Tally(np.zeros(1), np.array([float(n)])), Tally(np.zeros(1), np.array([float(n)])))
    assert found == pytest.approx(1 - BETA ** (1 / n))


def test_identical_code_with_a_fifth_of_a_percent_of_errors_mostly_passes_after_two_minutes() -> None:
    rng = np.random.default_rng(6)
    passed = sum(high(steady(0.002, 120, rng), steady(0.002, 120, rng)) <= MARGIN for _ in range(200))
    assert passed >= 166  # 91 % do; fewer than 166 would come once in 3,000 tries


@BOTH
@pytest.mark.parametrize("within", [0.5, 0.1])
def test_errors_in_spells_are_rarely_beyond_either_bound(together: bool, within: float) -> None:
    rng = np.random.default_rng(7)
    beyond = np.zeros(2, dtype=int)
    for _ in range(300):
        baseline, canary = (spells(p, 300, rng, within=within) for p in (0.01, 0.01 + MARGIN))
        low, upper = final_bounds(baseline, canary, 0.04, BETA, together=together)
        beyond += (low > MARGIN, upper <= MARGIN)
    assert np.all(beyond <= 22)  # 12 are allowed on average; 23 would come once in 300 tries


def test_errors_that_strike_both_at_once_do_not_hinder_a_pass() -> None:
    struck = outages(0.02, 300, np.random.default_rng(3), rate=25)
    assert dispersion(struck, struck, together=False).factor > 10
    assert high(struck, struck, together=True) < high(struck, struck, together=False) / 3


def test_a_level_of_nought_bounds_nothing_and_so_does_an_arm_with_nothing() -> None:
    arm, none = Tally(np.zeros(9), np.full(9, 50.0)), Tally(np.zeros(0), np.zeros(0))
    assert final_bounds(arm, arm, 0.0, 0.0, together=False) == (-math.inf, math.inf)
    assert final_bounds(arm, none, ALPHA, BETA, together=False) == (-math.inf, math.inf)


@pytest.mark.parametrize("hits", [0.0, 1.0, 4500.0, 9000.0])
@pytest.mark.parametrize("b_hits", [0.0, 1.0, 4500.0, 9000.0])
@pytest.mark.parametrize("level", [0.04, 1e-4, 1e-14])
def test_bounds_are_in_order_at_the_extremes(b_hits: float, hits: float, level: float) -> None:
    low, upper = bounds_of_totals(Totals(b_hits, 9000.0, hits, 9000.0), level, level, INDEPENDENT)
    assert -1.0001 <= low <= (hits - b_hits) / 9000 <= upper <= 1.0001


@BOTH
def test_the_last_quarter_has_the_baseline_of_the_same_time_or_all_of_it(together: bool) -> None:
    arm = steady(0.1, 40, np.random.default_rng(1))
    baseline, canary = last_quarter(arm, arm, together=together)
    assert (len(baseline.n), len(canary.n)) == (10 if together else 40, 10)
    assert np.array_equal(canary.hits, arm.hits[30:])
