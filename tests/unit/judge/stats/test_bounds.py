"""Bounds at each look, and what is known at the last one."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.judge.stats.bounds import Bounds, LastLook


def test_the_last_look_has_its_own_upper_bound_and_the_highest_lower_bound_of_all_looks() -> None:
    n, estimate = np.array([1.0, 2.0, 3.0]), np.array([5.0, 4.0, 3.0])
    low, high = np.array([-np.inf, 2.0, 1.0]), np.array([np.inf, 6.0, 7.0])
    bounds = Bounds(n, estimate, low, high, effective=np.array([1.0, 1.5, 2.0]))
    assert len(bounds) == 3
    assert bounds.last() == LastLook(estimate=3.0, low=2.0, high=7.0, effective=2.0)


def test_without_a_look_there_is_no_last_one() -> None:
    none = Bounds.without_looks()
    assert len(none) == 0
    with pytest.raises(ValueError, match="no last one"):
        none.last()
