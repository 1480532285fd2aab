"""Counts of two arms, looked at every second: what is promised of the evidence and of the bounds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import tests.support.slow_counts as slow
from pipeline.judge.stats import bursts
from pipeline.judge.stats import shares as counts
from pipeline.judge.stats.more_requests import more_requests
from pipeline.judge.stats.shares import Counts, Tally, log_e_process, proportion_bounds
from tests.support.count_samples import outages, steady

Floats = NDArray[np.float64]
BOTH = pytest.mark.parametrize("fixed", [True, False], ids=["one after the other", "together"])
NONE = Tally(np.zeros(0), np.zeros(0))


def whole(b_hits: float, b_n: float, hits: float, n: float, *, fixed: bool) -> Counts:
    """One look at counts of requests that stand each for itself."""
    return Counts(np.array([b_hits]), np.array([b_n]), np.array([hits]), np.array([n]), np.ones(1), fixed)


def log_e_of(baseline: Tally, canary: Tally, *, fixed_baseline: bool) -> Floats:
    return log_e_process(Counts.of(baseline, canary, fixed_baseline))


def first(values: Floats, needed: float) -> float:
    """Seconds until the values reach what is needed; infinite where they never do."""
    reached = np.flatnonzero(values >= needed)
    return float(reached[0]) + 1 if len(reached) else math.inf


@BOTH
def test_where_the_arms_are_alike_the_evidence_is_at_most_one_on_average(fixed: bool) -> None:
    """Exactly, over all outcomes of four requests each, at each of the four looks."""
    shares, looks = np.array([0.02, 0.1, 0.3, 0.5, 0.8, 0.95]), np.ones(4)
    mean = np.zeros((len(shares), 4))
    for bits in itertools.product((0.0, 1.0), repeat=8):
        b, c = np.array(bits[:4]), np.array(bits[4:])
        chance = shares ** sum(bits) * (1 - shares) ** (8 - sum(bits))
        evidence = log_e_of(Tally(b, looks), Tally(c, looks), fixed_baseline=fixed)
        mean += chance[:, None] * np.exp(evidence)
    assert np.all(mean <= 1)


@BOTH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_slow_way_gives_the_same_evidence_and_bounds(fixed: bool, data: st.DataObject) -> None:
    seconds = data.draw(st.integers(1, 8))
    column = st.lists(st.integers(0, 6), min_size=seconds, max_size=seconds)
    sent = [6.0] * seconds
    b_hits, hits = ([float(x) for x in data.draw(column)] for _ in range(2))
    baseline, canary = (Tally(np.array(one), np.array(sent)) for one in (b_hits, hits))
    n = 6 * seconds
    temper = 1 / slow.dispersion([(b_hits, sent), (hits, sent)], bursts.BURST_SECONDS, bursts.SEPARATE_HITS)

    more, less = counts.PRIOR_INCREASE, counts.PRIOR_NO_INCREASE

    def evidence(shift: float, *, harm: bool) -> float:
        p = slow.GRID[(slow.GRID + shift > 0) & (slow.GRID + shift < 1)]
        if len(p) == 0:
            return math.inf
        ours, theirs = (more, less) if harm else (less, more)
        mine = slow.mixture(sum(hits), n, p + shift, ours, temper)
        if fixed:
            other = slow.tail(
                int(sum(b_hits)), n, p, upper=harm, kappa=counts.KAPPA, even=counts.EVEN, temper=temper
            )
        else:
            other = slow.mixture(sum(b_hits), n, p, theirs, temper)
        return math.log(float((mine * other).min()))

    fast = log_e_of(baseline, canary, fixed_baseline=fixed)[-1]
    assert fast == pytest.approx(evidence(0.0, harm=True), abs=0.03)
    beyond = log_e_process(Counts.of(baseline, canary, fixed), 0.05)[-1]
    assert beyond == pytest.approx(evidence(0.05, harm=True), abs=0.03)
    bounds = proportion_bounds(baseline, canary, 0.01, 0.05, fixed_baseline=fixed)
    # What the bounds leave out is refuted, and little more could have been.
    if bounds.low[-1] > -1:
        assert evidence(bounds.low[-1], harm=True) >= math.log(100) - 0.03
    if bounds.high[-1] < 1:
        assert evidence(bounds.high[-1], harm=False) >= math.log(20) - 0.03
    assert evidence(bounds.low[-1] + 0.01, harm=True) <= math.log(100) + 0.03
    assert evidence(bounds.high[-1] - 0.01, harm=False) <= math.log(20) + 0.03


@BOTH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_slow_way_gives_the_same_counts_of_a_window(fixed: bool, data: st.DataObject) -> None:
    seconds = data.draw(st.integers(3, 12))
    begin = data.draw(st.integers(1, seconds - 1))
    column = st.lists(st.integers(0, 6), min_size=seconds, max_size=seconds)
    sent = [6.0] * seconds
    b_hits, hits = ([float(x) for x in data.draw(column)] for _ in range(2))
    arms = [Tally(np.array(one), np.array(sent)) for one in (b_hits, hits)]
    window = Counts.of(arms[0], arms[1], fixed, begin)
    parts = [(hits[begin:], sent[begin:]), (hits[:begin], sent[:begin])]
    parts += [(b_hits, sent)] if fixed else [(b_hits[begin:], sent[begin:]), (b_hits[:begin], sent[:begin])]
    temper = 1 / slow.dispersion(parts, bursts.BURST_SECONDS, bursts.SEPARATE_HITS)
    assert window.temper[-1] == pytest.approx(temper)
    assert (window.hits[-1], window.n[-1]) == (sum(hits[begin:]), 6 * (seconds - begin))
    assert window.b_hits[-1] == sum(b_hits if fixed else b_hits[begin:])


@BOTH
@pytest.mark.parametrize("bar", [0.0, 0.003, 0.05])
@pytest.mark.parametrize("change", [0.0, 0.02, 0.3])
def test_low_is_above_the_bar_exactly_where_the_evidence_reaches_one_over_alpha(
    fixed: bool, bar: float, change: float
) -> None:
    rng = np.random.default_rng(4)
    baseline, canary = steady(0.02, 260, rng), steady(0.02 + change, 260, rng)
    bounds = proportion_bounds(baseline, canary, 0.01, 0.05, fixed_baseline=fixed, bar=bar)
    evidence = log_e_process(Counts.of(baseline, canary, fixed), bar)
    assert np.array_equal(bounds.low > bar, evidence >= math.log(100))
    assert bool(np.any(bounds.low > bar)) is (change == 0.3 or (change == 0.02 and bar < 0.01))
    assert np.all(bounds.low[bounds.low > bar] < bounds.high[bounds.low > bar])


@BOTH
def test_with_windows_low_is_above_the_bar_where_one_of_them_shows_it_with_its_share_of_alpha(
    fixed: bool,
) -> None:
    rng = np.random.default_rng(5)
    baseline, canary = steady(0.002, 200, rng), steady(0.002, 200, rng)
    canary.hits[120:] = steady(0.04, 80, rng).hits
    bounds = proportion_bounds(baseline, canary, 0.01, 0.05, fixed_baseline=fixed, bar=0.003, planned=200)
    shown = np.zeros(200, dtype=bool)
    for part, share in counts.WINDOWS:
        begin = int(part * 200)
        window = Counts.of(baseline, canary, fixed, begin)
        wait = counts.WINDOW_WAIT if begin else 0
        refuted = log_e_process(window, 0.003) >= math.log(1 / (0.01 * share))
        shown[begin + wait :] |= refuted[wait:]
    assert shown.any()
    assert np.array_equal(bounds.low > 0.003, shown)


@BOTH
@pytest.mark.parametrize("bar", [0.0, 0.003])
def test_what_is_known_at_once_is_never_less_than_the_evidence(fixed: bool, bar: float) -> None:
    rng = np.random.default_rng(3)
    for share in (0.0, 0.01, 0.5):
        both = Counts.of(steady(0.01, 100, rng), steady(share, 100, rng), fixed)
        assert np.all(counts.evidence_at_most(both, bar) >= log_e_process(both, bar) - 1e-9)


@BOTH
def test_at_the_margin_it_seldom_alarms_though_looked_at_every_second(fixed: bool) -> None:
    rng = np.random.default_rng(12)
    alarms = sum(
        shown(steady(0.002, 200, rng), steady(0.005, 200, rng), 0.05, fixed=fixed, planned=200) < math.inf
        for _ in range(120)
    )
    assert alarms <= 12  # 6 are allowed on average at alpha 0.05; 13 would come once in 150 tries


def test_errors_that_begin_late_are_seen_by_windows_that_do() -> None:
    rng = np.random.default_rng(9)
    seen = {0.0: 0, 300.0: 0}
    for _ in range(20):
        baseline, canary = steady(0.002, 300, rng), steady(0.002, 300, rng)
        canary.hits[240:] = steady(0.02, 60, rng).hits
        for planned in seen:
            seen[planned] += shown(baseline, canary, 0.008, fixed=True, planned=planned) < math.inf
    assert seen[0.0] <= 5
    assert seen[300.0] >= 15


def shown(baseline: Tally, canary: Tally, alpha: float, *, fixed: bool, planned: float) -> float:
    """Seconds until a difference of more than 0.3 points is shown; infinite where it never is."""
    bounds = proportion_bounds(baseline, canary, alpha, 0.0, fixed_baseline=fixed, bar=0.003, planned=planned)
    return first(bounds.low, math.nextafter(0.003, 1))


def test_an_outage_with_which_a_window_begins_decides_nothing() -> None:
    baseline, canary = (Tally(np.zeros(300), np.full(300, 50.0)) for _ in range(2))
    canary.hits[150:152] = 50
    assert shown(baseline, canary, 0.01, fixed=True, planned=300) == math.inf


def test_a_window_begins_when_the_canary_was_measured_for_so_many_seconds() -> None:
    sent = np.array([50.0, 0.0, 50.0, 50.0, 50.0, 50.0])
    assert [begin for begin, _ in counts.windows(sent, 4)] == [0, 1, 3, 4]
    assert counts.windows(sent, 400) == [(0, counts.WINDOWS[0][1])]
    assert counts.windows(sent, 0) == [(0, 1.0)]
    assert sum(share for _, share in counts.WINDOWS) == pytest.approx(1)


def test_a_level_of_nought_bounds_nothing() -> None:
    arm = steady(0.1, 20, np.random.default_rng(0))
    bounds = proportion_bounds(arm, arm, 0.0, 0.0, fixed_baseline=True)
    assert np.all(bounds.low == -math.inf)
    assert np.all(bounds.high == math.inf)
    assert more_requests(arm, arm, 0.0, 0.0, 0.01, fixed_baseline=True) is None


@BOTH
@pytest.mark.parametrize("kind", [steady, outages])
def test_identical_arms_seldom_alarm_though_looked_at_every_second(
    fixed: bool, kind: Callable[[float, int, np.random.Generator], Tally]
) -> None:
    rng = np.random.default_rng(1)
    alarms = sum(
        first(log_e_of(kind(0.01, 200, rng), kind(0.01, 200, rng), fixed_baseline=fixed), math.log(20)) < 999
        for _ in range(120)
    )
    assert alarms <= 12  # 6 are allowed on average at alpha 0.05; 13 would come once in 150 tries


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_a_total_failure_is_decided_within_two_seconds(share: float) -> None:
    baseline = steady(share, 300, np.random.default_rng(3))
    canary = Tally(np.full(5, 50.0), np.full(5, 50.0))
    assert first(log_e_of(baseline, canary, fixed_baseline=True), math.log(1 / 0.0089)) <= 2


def test_one_outage_of_two_seconds_decides_nothing() -> None:
    canary = Tally(np.zeros(120), np.full(120, 50.0))
    canary.hits[60:62] = 50
    baseline = Tally(np.zeros(300), np.full(300, 50.0))
    assert first(log_e_of(baseline, canary, fixed_baseline=True), math.log(100)) == math.inf


def test_from_one_to_three_percent_takes_less_than_twice_walds_number() -> None:
    rng = np.random.default_rng(5)
    wald = math.log(100) / (0.03 * math.log(3) + 0.97 * math.log(0.97 / 0.99))
    needed = [
        50
        * first(log_e_of(steady(0.01, 300, rng), steady(0.03, 100, rng), fixed_baseline=True), math.log(100))
        for _ in range(60)
    ]
    assert np.median(needed) < 2 * wald


@pytest.mark.parametrize("n", [100.0, 1500.0, 15000.0])
def test_without_any_hit_the_bound_is_about_five_over_n(n: float) -> None:
    bounds = counts.bounds_of(whole(0, n, 0, n, fixed=True), 0.01, 0.05)
    assert 4 < bounds.high[0] * n <= math.log(1 / 0.05) + 2
    assert bounds.low[0] < 0


@BOTH
def test_more_hits_of_the_canary_are_more_evidence_and_more_of_the_baseline_less(fixed: bool) -> None:
    by_canary = [log_e_process(whole(5, 500, hits, 300, fixed=fixed))[0] for hits in range(0, 301, 10)]
    by_baseline = [log_e_process(whole(hits, 500, 60, 300, fixed=fixed))[0] for hits in range(0, 501, 10)]
    assert np.all(np.diff(by_canary) >= -0.01)
    assert np.all(np.diff(by_baseline) <= 0.01)


@BOTH
@pytest.mark.parametrize("b_hits", [0, 1, 50])
@pytest.mark.parametrize("hits", [0, 1, 50])
@pytest.mark.parametrize("n", [(0, 50), (50, 0), (50, 50)])
def test_bounds_are_in_order_and_finite_or_absent_at_the_extremes(
    fixed: bool, b_hits: int, hits: int, n: tuple[int, int]
) -> None:
    baseline = Tally(np.array([min(b_hits, n[0])], dtype=float), np.array([n[0]], dtype=float))
    canary = Tally(np.array([min(hits, n[1])], dtype=float), np.array([n[1]], dtype=float))
    bounds = proportion_bounds(baseline, canary, 0.01, 0.05, fixed_baseline=fixed)
    if 0 in n:
        assert (bounds.low[0], bounds.high[0]) == (-math.inf, math.inf)
    else:
        assert -1 <= bounds.low[0] <= bounds.estimate[0] <= bounds.high[0] <= 1


def test_no_look_gives_no_bounds() -> None:
    assert (
        len(
            proportion_bounds(
                steady(0.1, 10, np.random.default_rng(0)), NONE, 0.01, 0.05, fixed_baseline=True
            )
        )
        == 0
    )
    assert len(proportion_bounds(NONE, NONE, 0.01, 0.05, fixed_baseline=False)) == 0


def test_a_baseline_without_seconds_decides_nothing() -> None:
    canary = Tally(np.full(9, 50.0), np.full(9, 50.0))
    bounds = proportion_bounds(NONE, canary, 0.01, 0.05, fixed_baseline=True)
    assert np.all(bounds.low == -math.inf)
    assert np.all(bounds.high == math.inf)


def test_columns_that_grow_together_must_be_of_one_length() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="one length"):
        log_e_of(steady(0.1, 3, rng), steady(0.1, 4, rng), fixed_baseline=False)


@BOTH
def test_so_many_more_requests_do_decide(fixed: bool) -> None:
    arm = Tally(np.array([10.0]), np.array([1000.0]))
    more = more_requests(arm, arm, 0.01, 0.05, 0.01, fixed_baseline=fixed)
    assert more is not None
    times = 1 + more / 1000
    one = counts.bounds_of(Counts.of(arm, arm, fixed).last_times(times), 0.01, 0.05)
    assert one.high[0] <= 0.01
    short = counts.bounds_of(Counts.of(arm, arm, fixed).last_times(times / 1.05), 0.01, 0.05)
    assert short.high[0] > 0.01


@BOTH
def test_nothing_more_is_needed_where_it_is_decided_and_nothing_helps_at_the_margin(fixed: bool) -> None:
    good, bad = Tally(np.array([0.0]), np.array([5000.0])), Tally(np.array([100.0]), np.array([5000.0]))
    assert more_requests(good, good, 0.01, 0.05, 0.01, fixed_baseline=fixed) == 0
    assert more_requests(good, bad, 0.01, 0.05, 0.02, fixed_baseline=fixed) is None
    assert more_requests(NONE, NONE, 0.01, 0.05, 0.02, fixed_baseline=fixed) is None
