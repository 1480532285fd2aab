"""The trend of the troughs of a saw-tooth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.judge.stats.troughs import WINDOWS, critical, trough_slopes
from tests.support import slow_troughs

Floats = NDArray[np.float64]
T = np.arange(1.0, 151) * 2


def saw(period: float, phase: float, leak: float = 0.0) -> Floats:
    """20 MB up and back at once, and `leak` MB a minute that stay."""
    return np.asarray(20 * ((T / period + phase) % 1) + leak * T / 60)


@pytest.mark.parametrize("blocks", [16, 31, 150])
def test_the_slow_way_gives_the_same(blocks: int) -> None:
    random = np.random.default_rng(blocks)
    t = np.cumsum(random.uniform(1, 3, blocks))
    b, c = random.normal(0, 5, (2, blocks)).cumsum(axis=1)
    expected = slow_troughs.slopes(t.tolist(), b.tolist(), c.tolist(), (critical(3e-4), critical(0.05)))
    assert trough_slopes(t, b, c, 3e-4, 0.05) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("level", [0.05, 0.01, 0.001])
def test_the_line_of_a_random_walk_has_as_steep_a_slope_with_that_chance_at_most(level: float) -> None:
    walks = np.cumsum(np.random.default_rng(8).standard_normal((100_000, WINDOWS)), axis=-1)
    x = np.arange(WINDOWS) - (WINDOWS - 1) / 2
    slope = walks @ x / (x @ x)
    left = walks - walks.mean(axis=-1, keepdims=True) - slope[:, None] * x
    error = np.sqrt((left**2).sum(axis=-1) / (WINDOWS - 2) / (x @ x))
    share = float(np.mean(slope > critical(level) * error))
    assert 0.6 * level < share < 1.25 * level


@pytest.mark.parametrize("period", [10.0, 21.0, 33.0])
def test_a_leak_under_a_saw_tooth_is_shown_and_the_saw_tooth_alone_is_none(period: float) -> None:
    found = [trough_slopes(T, saw(17, 0.3), saw(period, 0.8, leak), 3e-4, 0.05) for leak in (0.0, 30.0)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0][3] < 0 < found[0][4] < 10 / 60
    assert 10 / 60 < found[1][3] < 30 / 60


def test_equal_series_differ_by_nothing() -> None:
    assert trough_slopes(T, saw(21, 0.1, 5.0), saw(21, 0.1, 5.0), 3e-4, 0.05) == pytest.approx(
        (5 / 60, 5 / 60, 0, 0, 0), abs=0.01
    )


def test_too_few_blocks_have_no_troughs() -> None:
    assert trough_slopes(T[:15], T[:15], T[:15], 0.01, 0.05) is None


def test_a_chance_of_nothing_shows_nothing() -> None:
    found = trough_slopes(T, saw(17, 0.3), saw(17, 0.3, 30.0), 0.0, 0.05)
    assert found is not None
    assert found[3] == -np.inf
