"""Evidence about one share: by hand where that can be done."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.judge.stats.evalues import Mixture, Prior, Tail


def test_one_hit_of_one_speaks_five_to_one_for_a_half_against_a_tenth() -> None:
    evidence = Mixture(np.array([1.0]), np.array([1.0]), Prior(np.array([9.0]), np.array([1.0])))
    assert math.exp(evidence.at(np.array([0.1]))[0][0]) == pytest.approx(0.5 / 0.1)


def test_no_hit_of_ten_has_the_p_value_one_in_1024_against_a_half() -> None:
    evidence = Tail(0, 10, np.ones(1), upper=True, kappa=0.5, even=1e-12)
    assert math.exp(evidence.at(np.array([0.5]))[0][0]) == pytest.approx(0.5 * math.sqrt(1024))


def test_counts_beyond_what_can_be_reckoned_with_are_no_evidence() -> None:
    hits, misses = 100 * (1e14 + 1), 100 * (1e14 - 1)
    tail = Tail(hits, hits + misses, np.array([1e-14]), upper=True, kappa=0.3, even=0.1)
    value, slope, curve = tail.at(np.array([0.5]))
    assert value[0] < 0
    assert slope[0] == curve[0] == 0
