"""How long a run must be for its end to tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.judge.stats.final_shares import Dispersion, cosines, final_bounds
from pipeline.judge.stats.run_length import chance_to_pass, final_more_requests, requests_needed
from pipeline.judge.stats.shares import Tally
from tests.support.count_samples import spells, steady

BETA, MARGIN, RATE = 0.04, 0.003, 50
Sample = Callable[[float, int, np.random.Generator], Tally]


def brief(share: float, seconds: int, rng: np.random.Generator) -> Tally:
    return spells(share, seconds, rng, length=0.2, within=1.0)


@pytest.mark.parametrize(
    ("kind", "factor", "share", "seconds"),
    [
        (steady, 1.0, 0.0005, 60),
        (steady, 1.0, 0.002, 60),
        (steady, 1.0, 0.002, 120),
        (brief, 10.0, 0.002, 300),
    ],
)
def test_the_chance_to_pass_is_what_simulation_gives(
    kind: Sample, factor: float, share: float, seconds: int
) -> None:
    rng, pairs = np.random.default_rng(11), 250
    passed = sum(
        final_bounds(kind(share, seconds, rng), kind(share, seconds, rng), 0.0, BETA, together=False)[1]
        <= MARGIN
        for _ in range(pairs)
    )
    found = Dispersion(factor, 2 * cosines(seconds))
    n = RATE * seconds
    # 250 pairs know a chance to 3 points; another 5 are what the approximation may cost.
    assert chance_to_pass(share, found, n, n, MARGIN, BETA) == pytest.approx(passed / pairs, abs=0.11)


@pytest.mark.parametrize("together", [True, False])
def test_so_many_requests_pass_with_that_chance_and_fewer_do_not(together: bool) -> None:
    n = requests_needed(0.002, 1.0, MARGIN, BETA, rate=RATE, together=together)
    assert n is not None

    def chance(n: float) -> float:
        found = Dispersion(1.0, cosines(n / RATE) * (1 if together else 2))
        return chance_to_pass(0.002, found, n, n, MARGIN, BETA)

    assert chance(0.8 * n) < 0.9 <= chance(n)


def test_without_errors_it_takes_what_the_exact_bound_takes() -> None:
    n = requests_needed(0.0, 1.0, MARGIN, BETA, rate=RATE, together=False)
    assert n == pytest.approx(np.log(BETA) / np.log1p(-MARGIN), rel=0.03)


def test_more_errors_and_larger_bursts_take_longer_and_a_day_may_be_too_short() -> None:
    needed = [
        requests_needed(share, factor, MARGIN, BETA, rate=RATE, together=False)
        for share, factor in ((0.0005, 1.0), (0.002, 1.0), (0.002, 10.0), (0.01, 10.0))
    ]
    assert None not in needed
    assert needed == sorted(needed, key=lambda n: n or 0)
    assert requests_needed(0.05, 500.0, MARGIN, BETA, rate=RATE, together=False) is None


def test_a_baseline_that_is_too_short_is_made_up_for_by_no_canary() -> None:
    assert requests_needed(0.01, 1.0, MARGIN, BETA, rate=RATE, together=False, b_n=1000.0) is None


@pytest.mark.parametrize("together", [True, False])
def test_so_many_more_requests_bring_the_end_within_the_margin(together: bool) -> None:
    rng = np.random.default_rng(2)
    arm = steady(0.004, 60, rng)
    more = final_more_requests(arm, arm, 0.001, BETA, MARGIN, bar=MARGIN, together=together, least=1.0)
    assert more is not None
    times = int(np.ceil(1 + more / arm.n.sum())) + 1
    longer = Tally(np.tile(arm.hits, times), np.tile(arm.n, times))
    assert final_bounds(arm, arm, 0.0, BETA, together=together)[1] > MARGIN
    assert final_bounds(longer, longer, 0.0, BETA, together=together)[1] <= MARGIN


def test_at_the_margin_no_longer_run_tells_and_before_the_end_the_least_is_the_end() -> None:
    good, bad = Tally(np.zeros(60), np.full(60, 50.0)), Tally(np.tile([0.0, 1.0], 30), np.full(60, 50.0))
    assert final_more_requests(good, bad, 0.001, BETA, 0.01, bar=0.01, together=False, least=1.0) is None
    assert final_more_requests(good, good, 0.001, BETA, 0.01, bar=0.01, together=False, least=2.0) == 3000
    none = Tally(np.zeros(0), np.zeros(0))
    assert final_more_requests(good, none, 0.001, BETA, 0.01, bar=0.01, together=False, least=1.0) is None
