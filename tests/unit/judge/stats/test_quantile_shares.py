"""Whether a quantile is beyond another one's by more than a margin, told by shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from pipeline.judge.stats.dispersion import pooled_dispersion
from pipeline.judge.stats.quantile_arms import Arms, Values, looks_of
from pipeline.judge.stats.quantile_shares import PRIOR_MORE, Comparison
from pipeline.judge.stats.shares import EVEN, KAPPA
from tests.support import slow_quantiles as slow
from tests.support.slow_sequence import final_width

Floats = NDArray[np.float64]
RATE, SECONDS = 20, 60
ALPHA = 0.001


def latencies(seed: int, factor: float = 1.0, *, seconds: int = SECONDS, rate: int = RATE) -> Floats:
    return factor * np.exp(0.3 * np.random.default_rng(seed).standard_normal(seconds * rate))


def arms(baseline: Floats, canary: Floats, *, together: bool = False, seconds: int = SECONDS) -> Arms:
    """Both arms at one rate; one after the other, or in the same seconds."""

    def values(value: Floats) -> Values:
        second = np.arange(len(value)) * seconds // len(value)
        return Values(value, second, second // 2, seconds, seconds // 2)

    every = np.arange(seconds)
    return Arms(values(baseline), values(canary), float(seconds), (every, every) if together else None)


def compared(both: Arms, quantile: float = 0.5, *, margin: float = 0.05, relative: bool = True) -> Comparison:
    looks = looks_of(both)
    stops = np.searchsorted(both.baseline.second, looks, side="right")
    if both.pairs is None:
        stops = np.full(len(looks), len(both.baseline.value))
    references = np.array([np.quantile(both.baseline.value[:stop], quantile) for stop in stops.tolist()])
    return Comparison(both, quantile, references, increase=True, relative=relative, margin=margin, bar=margin)


def test_the_first_second_that_shows_it_is_that_of_the_definition() -> None:
    baseline, canary = latencies(1), latencies(2, 1.25)
    found = compared(arms(baseline, canary)).shown_at_looks(ALPHA)
    reference = float(np.median(baseline))
    b_hit, c_hit = (baseline > reference), canary > 1.05 * reference
    n = np.full(SECONDS, float(RATE))
    by_second = [hit.reshape(SECONDS, RATE).sum(axis=1).astype(np.float64) for hit in (b_hit, c_hit)]
    dispersions = pooled_dispersion((by_second[0], n), (by_second[1], n))
    evidence = [
        slow.log_evidence(
            (int(b_hit.sum()), len(baseline)),
            (int(c_hit[: (k + 1) * RATE].sum()), (k + 1) * RATE),
            1 / dispersions[k],
            PRIOR_MORE,
            (KAPPA, EVEN),
        )
        for k in range(SECONDS)
    ]
    needed = math.log(1 / (0.6 * ALPHA))
    assert found is not None
    # The judge's evidence is never more than the definition's, and at most a thousandth less.
    assert evidence[found] >= needed
    assert max(evidence[:found]) <= needed + 0.002


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_final_bounds_are_where_the_shares_cannot_be_told_apart(quantile: float) -> None:
    baseline, canary = latencies(3), latencies(4, 1.1)
    comparison = compared(arms(baseline, canary), quantile)
    reference = float(np.quantile(baseline, quantile))

    def differences(effect: float) -> Floats:
        canary_hits = (canary > reference * (1 + effect)).reshape(-1, 2 * RATE).mean(axis=1)
        return np.asarray(canary_hits - (baseline > reference).reshape(-1, 2 * RATE).mean(axis=1))

    def bound(effect: float, *, high: bool) -> float:
        d = differences(effect)
        width = final_width(d, 0.04, 0, strict=not high)
        return float(d.mean()) + (width if high else -width)

    high = optimize.brentq(lambda effect: bound(effect, high=True), 0.0, 0.5)
    low = optimize.brentq(lambda effect: bound(effect, high=False), -0.3, 0.5)
    assert comparison.final_high(0.04) == pytest.approx(high, abs=0.01)
    assert comparison.final_low(0.04) == pytest.approx(low, abs=0.01)


@pytest.mark.parametrize("together", [False, True], ids=["one after the other", "together"])
def test_identical_and_moody_arms_are_hardly_ever_told_apart(together: bool) -> None:
    """At the margin: the canary is slower by just what is allowed, and the level is a hundred times the judge's."""
    shown = passed = 0
    for seed in range(60):
        comparison = compared(arms(latencies(2 * seed), latencies(2 * seed + 1, 1.05), together=together))
        shown += comparison.shown_at_looks(0.05) is not None
        passed += comparison.final_high(0.05) <= 0.05
    assert shown <= 6
    assert passed <= 8


def test_the_baselines_own_quantile_may_stand_for_the_true_one() -> None:
    """The share beyond a sample's quantile is random, and the sample's p-value at that share is uniform."""
    n, hits = 500, 50
    values = np.sort(np.random.default_rng(5).random((2000, n)), axis=1)
    beyond = 1 - values[:, n - hits - 1]
    p_values = stats.binom.cdf(hits, n, beyond)
    assert stats.kstest(p_values, "uniform").pvalue > 0.05


def test_units_do_not_matter() -> None:
    plain = compared(arms(latencies(7), latencies(8, 1.3)))
    scaled = compared(arms(1000 * latencies(7), 1000 * latencies(8, 1.3)))
    assert scaled.shown_at_looks(ALPHA) == plain.shown_at_looks(ALPHA)
    assert scaled.final_low(ALPHA) == pytest.approx(plain.final_low(ALPHA))


def test_harm_that_begins_late_is_seen_and_keeps_a_run_from_passing() -> None:
    canary = latencies(10)
    canary[int(0.85 * len(canary)) :] *= 1.6
    comparison = compared(arms(latencies(9), canary))
    assert comparison.shown_at_looks(ALPHA) is not None
    long = latencies(11, seconds=300)
    long[int(0.8 * len(long)) :] *= 1.3
    assert compared(arms(latencies(12, seconds=300), long, seconds=300)).late(0.05, 0.05, 0.25)


def test_an_amount_is_compared_by_difference() -> None:
    comparison = compared(arms(latencies(13), latencies(14) + 0.5), margin=0.1, relative=False)
    assert comparison.effect == pytest.approx(0.5, abs=0.05)
    assert comparison.shown_at_looks(ALPHA) is not None
    assert 0.1 < comparison.final_low(0.01) < comparison.effect < comparison.final_high(0.01)
