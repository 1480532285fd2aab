"""How counts are made whole, and hits joined to their totals."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.series.samples import proportion, whole


def test_fractions_of_counts_keep_their_sum_and_no_step_has_more_hits_than_its_total() -> None:
    rng = np.random.default_rng(5)
    total = rng.uniform(0, 3, 2_000)
    hits = total * rng.uniform(0, 1, 2_000)
    whole_hits, whole_total = whole([hits, total])
    assert np.all(whole_hits <= whole_total)
    assert whole_hits.sum() == pytest.approx(hits.sum(), abs=2)
    assert whole_total.sum() == pytest.approx(total.sum(), abs=1)


def test_a_total_without_hits_beside_it_is_missing_unless_none_is_known_to_mean_zero() -> None:
    hits, total = (np.array([2.0]), np.array([1.0])), (np.array([1.0, 2.0]), np.array([5.0, 5.0]))
    assert proportion(hits, total, zero=False, counted=True).value.tolist() == [1]
    assert proportion(hits, total, zero=False, counted=True).missing == 1
    assert proportion(hits, total, zero=True, counted=True).value.tolist() == [0, 1]
