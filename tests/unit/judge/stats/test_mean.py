"""Bounds of the mean of dependent blocks that hold at every look at once."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.support.slow_sequence as slow
from pipeline.judge.stats.bounds import Bounds
from pipeline.judge.stats.mean import (
    MIN_BLOCKS,
    RANDOM_WALK_SHARE,
    WINDOWS,
    boundary,
    mean_bounds,
    more_blocks,
    scan_bounds,
)
from pipeline.judge.stats.random_walk import random_walk_bounds
from tests.support.series_samples import seconds_ar1

Floats = NDArray[np.float64]


class Bounded(Protocol):
    def __call__(self, d: Floats, alpha: float, beta: float, *, planned: float) -> Bounds: ...


ALPHA, BETA, PLANNED = 0.01, 0.05, 150
BOUNDS: tuple[Bounded, Bounded] = (mean_bounds, scan_bounds)


def one(seed: int = 1, phi: float = 0.3) -> Floats:
    return seconds_ar1(phi, 1, seed).ravel() + 0.4


def same(left: Bounds, right: Bounds) -> None:
    for name in ("estimate", "low", "high"):
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(left.effective, right.effective, rtol=1e-9)


@pytest.mark.parametrize("bound", BOUNDS)
def test_an_entry_of_the_bounds_is_what_its_blocks_alone_give(bound: Bounded) -> None:
    d = one()
    whole = bound(d, ALPHA, BETA, planned=PLANNED)
    assert len(whole) == len(d)
    for size in (1, 2, MIN_BLOCKS, 20, 77, len(d)):
        alone = bound(d[:size], ALPHA, BETA, planned=PLANNED)
        assert alone.low[-1] == pytest.approx(whole.low[size - 1], rel=1e-12)
        assert alone.high[-1] == pytest.approx(whole.high[size - 1], rel=1e-12)
        assert alone.effective[-1] == pytest.approx(whole.effective[size - 1], rel=1e-12)


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.9])
def test_a_slow_implementation_from_the_definitions_agrees(phi: float) -> None:
    d = one(phi=phi)
    bounds = mean_bounds(d, ALPHA, BETA, planned=PLANNED)
    for size in (MIN_BLOCKS, 9, 25, 64, 150):
        expected = slow.mean(d[:size], ALPHA, BETA, PLANNED)
        at = size - 1
        got = (bounds.estimate[at], bounds.low[at], bounds.high[at], bounds.effective[at])
        np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize(("degrees", "information"), [(9, 10.0), (40, 41.0), (38, 3.5)])
@pytest.mark.parametrize("distance", [0.5, 3.0, -4.5])
def test_the_closed_form_is_the_mixture_over_the_prior(
    degrees: float, information: float, distance: float
) -> None:
    integrated = slow.e_value(distance, degrees, information, 5.0)
    assert slow.e_closed(distance, degrees, information, 5.0) == pytest.approx(integrated, rel=1e-6)


def test_at_the_bound_the_e_value_is_one_over_twice_alpha() -> None:
    far = float(boundary(np.array([30.0]), np.array([30.0]), ALPHA, 5.0, 1)[0])
    assert slow.e_value(far, 29, 30.0, 5.0) == pytest.approx(1 / (2 * ALPHA), rel=1e-6)


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e9])
@pytest.mark.parametrize("bound", BOUNDS)
def test_another_unit_gives_the_same_bounds_in_that_unit(bound: Bounded, factor: float) -> None:
    d = one()
    plain, scaled = (bound(x, ALPHA, BETA, planned=PLANNED) for x in (d, d * factor))
    same(
        plain,
        Bounds(
            scaled.n, scaled.estimate / factor, scaled.low / factor, scaled.high / factor, scaled.effective
        ),
    )


def test_a_shift_moves_the_bounds_and_nothing_else() -> None:
    d = one()
    plain, moved = (mean_bounds(x, ALPHA, BETA, planned=PLANNED) for x in (d, d + 1e6))
    np.testing.assert_allclose(moved.low - 1e6, plain.low, rtol=1e-6)
    np.testing.assert_allclose(moved.effective, plain.effective, rtol=1e-6)


def test_the_other_sign_mirrors_the_bounds() -> None:
    d = one()
    there, back = (
        mean_bounds(d, ALPHA, ALPHA, planned=PLANNED),
        mean_bounds(-d, ALPHA, ALPHA, planned=PLANNED),
    )
    same(there, Bounds(back.n, -back.estimate, -back.high, -back.low, back.effective))


def test_before_eight_blocks_nothing_is_bounded() -> None:
    bounds = mean_bounds(one()[: MIN_BLOCKS - 1], ALPHA, BETA, planned=PLANNED)
    assert np.all(bounds.low == -np.inf)
    assert np.all(bounds.high == np.inf)


@pytest.mark.parametrize("bound", BOUNDS)
def test_no_blocks_give_no_looks(bound: Bounded) -> None:
    nothing = bound(np.zeros(0), ALPHA, BETA, planned=PLANNED)
    assert len(nothing) == 0
    with pytest.raises(ValueError, match="no last one"):
        nothing.last()


@pytest.mark.parametrize("value", [0.0, 0.2, -1e-9, 3e8])
@pytest.mark.parametrize("bound", BOUNDS)
def test_blocks_that_are_all_equal_bound_at_their_value_once_there_are_enough(
    bound: Bounded, value: float
) -> None:
    found = bound(np.full(30, value), ALPHA, BETA, planned=PLANNED)
    bounded = np.isfinite(found.low)
    assert not np.any(bounded[:15])
    assert np.all(bounded[20:])
    assert np.all(found.low[bounded] == value)
    assert np.all(found.high[20:] == value)


def test_the_effective_size_is_never_above_the_number_of_blocks() -> None:
    turning = np.tile([1.0, -1.0], 75) + one()
    for d in (one(phi=0.0), turning, np.ones(30)):
        bounds = mean_bounds(d, ALPHA, BETA, planned=PLANNED)
        assert np.all(bounds.effective <= bounds.n + 1e-9)


@pytest.mark.parametrize(
    ("phi", "least", "most"), [(0.0, 105, 135), (0.3, 65, 95), (0.6, 30, 52), (0.9, 3, 15)]
)
def test_the_effective_size_is_near_the_truth_and_below_it(phi: float, least: float, most: float) -> None:
    """The truth for 150 blocks of 2 s: 150, 105, 60, 16."""
    bounds = mean_bounds(seconds_ar1(phi, 300, 2), ALPHA, BETA, planned=PLANNED)
    assert least <= float(np.median(bounds.effective[:, -1])) <= most


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6, 0.9])
def test_the_truth_is_rarely_ever_outside_though_every_block_is_a_look(phi: float, heavy: bool) -> None:
    bounds = mean_bounds(seconds_ar1(phi, 1000, 3, heavy=heavy), 0.05, 0.05, planned=PLANNED)
    assert np.mean((bounds.low > 0).any(axis=-1)) <= 0.05
    assert np.mean((bounds.high < 0).any(axis=-1)) <= 0.05


def test_taking_dependent_blocks_for_independent_would_alarm_on_most() -> None:
    """What the effective size is for: the check above has the power to see its lack."""
    d = seconds_ar1(0.9, 500, 3)
    k = np.arange(1.0, PLANNED + 1)
    mean = np.cumsum(d, axis=-1) / k
    sigma = np.sqrt(np.maximum(np.cumsum(d**2, axis=-1) - k * mean**2, 0) / np.maximum(k - 1, 1))
    far = boundary(k, k, 0.05, 5.0, 1) / np.sqrt(k)
    low = mean[:, MIN_BLOCKS:] - sigma[:, MIN_BLOCKS:] * far[MIN_BLOCKS:]
    assert np.mean((low > 0).any(axis=-1)) > 0.4


@pytest.mark.parametrize(("phi", "shift"), [(0.0, 0.5), (0.3, 0.7), (0.6, 1.2)])
def test_a_shift_of_some_deviations_is_seen_within_the_run(phi: float, shift: float) -> None:
    bounds = mean_bounds(seconds_ar1(phi, 200, 4) + shift, ALPHA, BETA, planned=PLANNED)
    assert np.mean((bounds.low > 0).any(axis=-1)) >= 0.95


def test_a_large_shift_is_seen_in_a_quarter_of_the_run() -> None:
    bounds = mean_bounds(seconds_ar1(0.0, 200, 5) + 2.0, ALPHA, BETA, planned=PLANNED)
    assert np.median((bounds.low > 0).argmax(axis=-1)) < PLANNED / 4


def test_a_step_at_half_time_is_seen_by_the_scan_long_before_the_whole() -> None:
    d = seconds_ar1(0.3, 1, 6)[0]
    d[PLANNED // 2 :] += 1.0
    whole, scan = (bound(d, ALPHA, BETA, planned=PLANNED) for bound in BOUNDS)
    margin = 0.3
    assert int((scan.low > margin).argmax()) > PLANNED // 2
    assert not np.any(whole.low > margin)


def test_the_scan_is_the_union_of_its_parts_each_with_its_share() -> None:
    d = one()
    scan, whole = (
        scan_bounds(d, ALPHA, BETA, planned=PLANNED),
        mean_bounds(d, ALPHA / 2, BETA * 4 / 7, planned=PLANNED),
    )
    _, walk = random_walk_bounds(d, ALPHA / 6, BETA * 3 / 7, planned=PLANNED)
    np.testing.assert_array_equal(scan.estimate, whole.estimate)
    np.testing.assert_allclose(scan.high, np.minimum(whole.high, walk), rtol=1e-12)
    assert np.all(scan.low >= whole.low)


def test_many_series_at_once_are_each_as_alone() -> None:
    many = seconds_ar1(0.3, 3, 7)
    bounds = mean_bounds(many, ALPHA, BETA, planned=PLANNED)
    for row, d in enumerate(many):
        np.testing.assert_allclose(
            bounds.low[row], mean_bounds(d, ALPHA, BETA, planned=PLANNED).low, rtol=1e-12
        )


def test_so_many_more_blocks_like_these_do_decide() -> None:
    d = np.tile([0.2, -0.1, 0.05, -0.15], 10) + 0.02
    for margin in (0.06, -0.03):
        more = more_blocks(d, margin, ALPHA, BETA, planned=PLANNED)
        assert more is not None
        assert more > 0
        longer = np.tile(d, 1 + math.ceil(more / len(d)))
        bounds = mean_bounds(longer, ALPHA, BETA, planned=PLANNED)
        before = mean_bounds(d, ALPHA, BETA, planned=PLANNED)
        if margin > 0.02:
            assert before.high[-1] > margin >= bounds.high[-1]
        else:
            assert before.low[-1] < margin < bounds.low[-1]


def test_what_is_decided_already_needs_no_more_blocks() -> None:
    assert more_blocks(np.full(30, 0.2), 0.1, ALPHA, BETA, planned=PLANNED) == 0


def test_at_the_margin_more_blocks_will_not_help() -> None:
    d = np.tile([0.2, -0.2], 20)
    assert more_blocks(d, float(d.mean()), ALPHA, BETA, planned=PLANNED) is None
    assert more_blocks(d, float(d.mean()) + 1e-4, ALPHA, BETA, planned=PLANNED) is None
    assert more_blocks(d[: MIN_BLOCKS - 1], 1.0, ALPHA, BETA, planned=PLANNED) is None


def test_the_shares_of_alpha_are_all_of_it() -> None:
    assert sum(share for _, share in WINDOWS) + RANDOM_WALK_SHARE == pytest.approx(1)


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_chance_of_nothing_bounds_nothing(bound: Bounded) -> None:
    d = one()
    none, both = (bound(d, *chances, planned=PLANNED) for chances in ((0.0, BETA), (ALPHA, BETA)))
    assert np.all(none.low == -np.inf)
    np.testing.assert_array_equal(none.high, both.high)
    assert np.all(bound(d, ALPHA, 0.0, planned=PLANNED).high == np.inf)
    assert np.all(bound(d, 0.0, 0.0, planned=PLANNED).high == np.inf)
    assert more_blocks(d, 9.0, 0.0, 0.0, planned=PLANNED) is None
