"""Two answers of a Prometheus, paired by labels as Kayenta's mixer pairs them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.kayenta.pairs import pairs
from pipeline.series.prometheus import LabelledSeries

Listed = list[tuple[dict[str, str], list[float], list[float]]]
NAN = math.nan


def _series(labels: dict[str, str], *values: float) -> LabelledSeries:
    times = np.asarray([60 * n for n in range(len(values))], dtype=np.float64)
    return LabelledSeries(labels, times, np.asarray(values, dtype=np.float64))


def _same(values: list[float], expected: list[float]) -> bool:
    return bool(np.array_equal(np.asarray(values), np.asarray(expected), equal_nan=True))


def _paired(baseline: Sequence[LabelledSeries], canary: Sequence[LabelledSeries]) -> Listed:
    return [
        (dict(one.tags), one.baseline.values().tolist(), one.canary.values().tolist())
        for one in pairs(baseline, canary, (3, 4))
    ]


def test_two_series_without_labels_are_one_pair_and_the_name_is_no_label() -> None:
    found = _paired([_series({"__name__": "x"}, 45, 120)], [_series({}, 124, 288)])
    assert found == [({}, [45, 120], [124, 288])]


def test_series_are_paired_by_equal_labels_and_what_has_no_partner_stands_beside_nothing() -> None:
    baseline = [_series({"mode": "user"}, 1, 2), _series({"mode": "idle"}, 3, 4)]
    canary = [_series({"mode": "user"}, 5, 6, 7), _series({"mode": "steal"}, 8)]
    found = {tags["mode"]: (ours, theirs) for tags, ours, theirs in _paired(baseline, canary)}
    assert list(found["user"]) == [[1, 2], [5, 6, 7]]
    # As many NaN as the version's first series has samples.
    assert _same(found["idle"][1], [NAN] * 3)
    assert _same(found["steal"][0], [NAN] * 2)
    assert found["steal"][1] == [8]


def test_no_series_at_all_is_as_many_nan_as_the_window_has_steps() -> None:
    assert _same(_paired([], [_series({}, 1)])[0][1], [NAN] * 3)
    ((tags, ours, theirs),) = _paired([], [])
    assert (tags, len(ours), len(theirs)) == ({}, 3, 4)
    found = _paired([_series({"a": "1"}, 1, 2), _series({"a": "2"}, 3, 4)], [])
    assert [(tags["a"], ours) for tags, ours, _ in found] == [("1", [1, 2]), ("2", [3, 4])]
    assert all(len(theirs) == 4 for _, _, theirs in found)


def test_a_version_without_labels_has_nothing_beside_the_other_s_series() -> None:
    found = _paired([_series({}, 1, 2), _series({"a": "1"}, 9, 9)], [_series({"a": "1"}, 3, 4)])
    ((tags, ours, theirs),) = found
    assert (tags, theirs) == ({"a": "1"}, [3, 4])
    assert _same(ours, [NAN, NAN])


def test_of_one_sample_no_step_is_known_so_nothing_is_expected_of_the_others() -> None:
    found = _paired([_series({"a": "1"}, 1)], [_series({"a": "2"}, 2, 3)])
    assert [ours for _, ours, _ in found] == [[1], []]


def test_labels_of_other_names_make_no_pairs() -> None:
    with pytest.raises(ValueError, match="labels pod in the baseline and zone in the canary"):
        pairs([_series({"pod": "a"}, 1)], [_series({"zone": "a"}, 1)], (1, 1))


def test_infinity_is_left_out() -> None:
    found = _paired([_series({}, 1, math.inf)], [_series({}, -math.inf, 2)])
    assert _same(found[0][1], [1, NAN])
    assert _same(found[0][2], [NAN, 2])
