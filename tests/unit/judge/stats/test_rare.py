"""Restarts and new statuses: what a few rare events are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Bounds, LastLook
from pipeline.judge.stats.rare import Statuses, event_bounds, new_status_bounds
from pipeline.judge.stats.shares import Tally

Floats = NDArray[np.float64]
ALPHA = 0.0006  # what one of some thirty metrics is given of 0.02
BOTH = pytest.mark.parametrize("fixed", [True, False], ids=["one after the other", "together"])


def at(*seconds: int, of: int = 300) -> Tally:
    """One event at each of these seconds."""
    hits = np.zeros(of)
    np.add.at(hits, list(seconds), 1)
    return Tally(hits, np.ones(of))


def restarts(baseline: Tally, canary: Tally, fixed: bool) -> LastLook:
    bounds = event_bounds(baseline, canary, ALPHA, background_per_hour=1, fixed_baseline=fixed)
    return bounds.last()


@BOTH
def test_without_restarts_all_bounds_are_at_most_zero(fixed: bool) -> None:
    last = restarts(at(), at(), fixed)
    assert (last.low, last.high) == (0, 0)
    assert last.estimate == pytest.approx(-300 / 3600)


@BOTH
@pytest.mark.parametrize("second", [0, 5, 299])
def test_a_single_restart_is_neither_shown_nor_excluded(fixed: bool, second: int) -> None:
    last = restarts(at(), at(second), fixed)
    assert (last.low, last.high) == (0, 1)


@BOTH
@pytest.mark.parametrize("seconds", [(5, 15), (30, 60, 90), (60, 120, 180)])
def test_two_restarts_soon_or_three_in_a_few_minutes_are_shown(fixed: bool, seconds: tuple[int, ...]) -> None:
    assert restarts(at(), at(*seconds), fixed).low >= 1


@BOTH
def test_two_restarts_minutes_apart_are_not_shown(fixed: bool) -> None:
    assert restarts(at(), at(30, 200), fixed).low == 0


@BOTH
def test_a_baseline_that_restarts_as_often_excuses_the_canary(fixed: bool) -> None:
    assert restarts(at(9, 99, 199), at(10, 100, 200), fixed).low == 0


@BOTH
def test_a_crash_loop_is_shown_beside_a_baseline_that_restarts_now_and_then(fixed: bool) -> None:
    last = restarts(at(5, 200), at(*range(10, 300, 5)), fixed)
    assert 20 < last.low <= last.high == 58


@BOTH
def test_at_the_background_rate_restarts_seldom_alarm(fixed: bool) -> None:
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(150):
        arms = [Tally(rng.poisson(0.01, 300).astype(float), np.ones(300)) for _ in range(2)]
        bounds = event_bounds(arms[0], arms[1], 0.05, background_per_hour=36, fixed_baseline=fixed)
        alarms += bool(bounds.low.max() > 0)
    assert alarms <= 14  # 7.5 are allowed on average; 15 would come once in 100 tries


def test_events_at_no_look_give_no_bounds() -> None:
    none = Tally(np.zeros(0), np.zeros(0))
    assert len(event_bounds(at(), none, ALPHA, background_per_hour=1, fixed_baseline=True)) == 0


@BOTH
def test_a_baseline_that_was_not_watched_leaves_the_background_alone(fixed: bool) -> None:
    blind = Tally(np.zeros(300), np.zeros(300))
    assert restarts(blind, at(5, 15), fixed).low >= 1
    assert restarts(blind, at(5), fixed).low == 0


def answers(statuses: Mapping[int, Floats] | None = None) -> Statuses:
    """50 answers a second for 300 s: these, and 200 for the rest."""
    hits, n = dict(statuses or {}), np.full(300, 50.0)
    return Statuses({200: n - sum(hits.values(), np.zeros(300)), **hits}, n)


def new(baseline: Statuses, canary: Statuses, fixed: bool) -> Bounds:
    return new_status_bounds(baseline, canary, ALPHA, 0.05, fixed_baseline=fixed)


def some(share: float, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).binomial(50, share, 300).astype(float)


@BOTH
def test_the_same_statuses_are_no_new_ones_and_the_bound_is_tight(fixed: bool) -> None:
    bounds = new(answers({404: some(0.02)}), answers({404: some(0.02, 2)}), fixed)
    assert bounds.estimate[-1] == 0
    assert bounds.high[-1] < 0.0005
    assert bounds.low.max() <= 0


@BOTH
def test_a_status_that_the_baseline_never_gave_is_shown(fixed: bool) -> None:
    bounds = new(answers(), answers({404: some(0.05)}), fixed)
    assert bounds.low.max() > 0.02
    assert bounds.estimate[-1] == pytest.approx(0.05, abs=0.005)
    assert int(np.argmax(bounds.low > 0)) < 15


@BOTH
@pytest.mark.parametrize(("share", "shown"), [(0.003, False), (0.012, True)])
def test_a_new_status_is_shown_where_it_alone_is_beyond_the_bar(
    fixed: bool, share: float, shown: bool
) -> None:
    bounds = new_status_bounds(
        answers(),
        answers({404: some(share), 418: some(share, 2)}),
        ALPHA,
        0.05,
        fixed_baseline=fixed,
        bar=0.005,
        planned=300,
    )
    assert bool(bounds.low.max() > 0.005) is shown


@BOTH
def test_one_answer_with_a_new_status_shows_nothing(fixed: bool) -> None:
    once = np.zeros(300)
    once[10] = 1
    assert new(answers(), answers({418: once}), fixed).low.max() <= 0


def test_many_new_statuses_each_once_show_nothing() -> None:
    columns = {400 + number: np.zeros(300) for number in range(10)}
    for number in range(10):
        columns[400 + number][20 * number] = 1
    assert new(answers(), answers(columns), fixed=True).low.max() <= 0


def test_while_both_advance_a_status_counts_as_new_until_the_baseline_gives_it() -> None:
    late = np.zeros(300)
    late[100] = 1
    bounds = new(answers({404: late}), answers({404: some(0.05)}), fixed=False)
    assert bounds.estimate[99] > 0.04
    assert bounds.estimate[100] == 0


def test_identical_arms_seldom_show_new_statuses() -> None:
    rng = np.random.default_rng(3)

    def arm() -> Statuses:
        return answers({404 + s: rng.binomial(50, 0.0005, 300).astype(float) for s in range(4)})

    alarms = sum(
        bool(new_status_bounds(arm(), arm(), 0.05, 0.05, fixed_baseline=True).low.max() > 0)
        for _ in range(60)
    )
    assert alarms <= 3


def test_statuses_at_no_look_give_no_bounds() -> None:
    assert len(new(answers(), Statuses({}, np.zeros(0)), fixed=True)) == 0
    assert math.isinf(new(Statuses({}, np.zeros(0)), answers(), fixed=True).high[-1])
