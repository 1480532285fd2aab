"""Which block of the canary is compared with which of the baseline."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.judge.metrics.blocks import BlockValues, Pairing, pair

SECONDS = 2.0


def blocks(*phases: tuple[float, int], value: float = 0.0, missing: tuple[int, ...] = ()) -> BlockValues:
    """Phases given as (start, blocks); the values count up from `value`."""
    phase = np.concatenate([np.full(count, k) for k, (_, count) in enumerate(phases)]).astype(np.int64)
    number = np.concatenate([np.arange(count) for _, count in phases]).astype(np.int64)
    start = np.concatenate([np.full(count, start) for start, count in phases])
    values = value + np.arange(len(phase), dtype=np.float64)
    keep = ~np.isin(np.arange(len(phase)), missing)
    middle = start + (number + 0.5) * SECONDS
    return BlockValues(phase[keep], number[keep], middle[keep], values[keep])


def test_age_pairs_the_same_distance_from_the_start() -> None:
    pairs = pair(blocks((20, 5)), blocks((100, 3), value=50), "age", seconds=SECONDS)
    assert pairs.baseline.tolist() == [0, 1, 2]
    assert pairs.canary.tolist() == [50, 51, 52]
    assert pairs.t.tolist() == [2, 4, 6]


@pytest.mark.parametrize("pairing", ["age", "time"])
def test_a_missing_block_on_one_side_drops_its_pair_and_moves_no_other(pairing: Pairing) -> None:
    pairs = pair(
        blocks((0, 5), missing=(1,)), blocks((50, 5), value=50, missing=(3,)), pairing, seconds=SECONDS
    )
    assert pairs.baseline.tolist() == [0, 2, 4]
    assert pairs.canary.tolist() == [50, 52, 54]
    assert pairs.t.tolist() == [2, 6, 10]


def test_a_value_that_is_no_number_is_a_missing_block() -> None:
    baseline = blocks((0, 4))
    baseline.value[2] = np.nan
    canary = blocks((50, 4))
    canary.value[0] = np.inf
    pairs = pair(baseline, canary, "age", seconds=SECONDS)
    assert pairs.t.tolist() == [4, 8]
    assert pairs.at_baseline.tolist() == pairs.at_canary.tolist() == [1, 3]


def test_slices_pair_with_their_neighbour_in_abba_and_each_once() -> None:
    baseline = blocks((0, 2), (15, 2), (20, 2), (35, 2))
    canary = blocks((5, 2), (10, 2), (25, 2), (30, 2), value=50)
    pairs = pair(baseline, canary, "time", seconds=SECONDS)
    assert pairs.baseline.tolist() == list(range(8))
    assert pairs.canary.tolist() == list(range(50, 58))
    assert pairs.t.tolist() == [2, 4, 6, 8, 10, 12, 14, 16]


def test_a_slice_waits_for_its_partner_and_later_slices_change_no_pair() -> None:
    baseline = blocks((0, 2), (15, 1))
    canary = blocks((5, 2), (10, 2), value=50)
    early = pair(baseline, canary, "time", seconds=SECONDS)
    assert early.canary.tolist() == [50, 51, 52]
    whole = pair(blocks((0, 2), (15, 2)), blocks((5, 2), (10, 2), (25, 2), value=50), "time", seconds=SECONDS)
    assert whole.canary[:3].tolist() == early.canary.tolist()
    assert whole.baseline[:3].tolist() == [0, 1, 2]


def test_a_slice_without_any_sample_leaves_its_partner_out() -> None:
    baseline = blocks((0, 2), (15, 2), (20, 2), missing=(2, 3))
    canary = blocks((5, 2), (10, 2), (25, 2), value=50)
    assert pair(baseline, canary, "time", seconds=SECONDS).canary.tolist() == [50, 51, 54, 55]


def test_versions_measured_at_once_pair_by_the_clock() -> None:
    pairs = pair(blocks((0, 10)), blocks((6.3, 9), value=50), "time", seconds=SECONDS)
    assert pairs.baseline.tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert pairs.canary.tolist() == [50, 51, 52, 53, 54, 55, 56]


def test_order_of_the_samples_does_not_matter() -> None:
    baseline, canary = blocks((0, 6)), blocks((50, 6), value=50)
    turned = BlockValues(
        canary.phase[::-1], canary.number[::-1], canary.middle[::-1], canary.value[::-1].copy()
    )
    there, back = (pair(baseline, arm, "age", seconds=SECONDS) for arm in (canary, turned))
    assert there.canary.tolist() == back.canary.tolist()
    assert there.t.tolist() == back.t.tolist()


@pytest.mark.parametrize("pairing", ["age", "time"])
def test_an_arm_without_blocks_gives_no_pairs(pairing: Pairing) -> None:
    none = blocks((0, 0))
    assert len(pair(none, blocks((0, 3)), pairing, seconds=SECONDS)) == 0
    assert len(pair(blocks((0, 3)), none, pairing, seconds=SECONDS)) == 0
    assert len(pair(none, none, pairing, seconds=SECONDS)) == 0
