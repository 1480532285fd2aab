"""What Kayenta's classifier says of two series: the cases of its own test suite, one row each.

Long series are ours, alike in shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pipeline.kayenta.classify import Convention, cles, mean_ratio, outliers, prepare
from pipeline.kayenta.config import Outliers
from tests.support.kayenta_samples import CLES_SUITE, SUITE, analysis, compare, floats, vector

Series = str | Sequence[float]
_HIGH, _LOW_BASE = [20.0, 22.0, 21.0, 25.0, 30.0], [1.0, 2.2, 1.1, 2.5, 3.0]
_TINY = [0.05, 0.05, 0.017, 0.017, 0.017, 0.05, 0.033, 0.05, 0.05, 0.13]
_CRITICAL: dict[str, Any] = {"critical": True}


def _ratio(decrease: float, increase: float, kind: str = "allowed") -> dict[str, Any]:
    return {f"{kind}Increase": increase, f"{kind}Decrease": decrease}


@pytest.mark.parametrize(
    ("experiment", "control", "canary", "label"),
    [
        ("same", "control", {}, "Pass"),
        ("twice", "control", {}, "High"),
        ("same", "twice", {}, "Low"),
        ("same", "twice", {"direction": "increase"}, "Pass"),
        ("twice", "control", {"direction": "decrease"}, "Pass"),
        ("twice", "control", {"direction": "increase"}, "High"),
        ("same", "twice", {"direction": "decrease"}, "Low"),
        ("sparse", "sparser", {}, "High"),
        (_HIGH, _LOW_BASE, {"effectSize": _ratio(0.8, 1.2)}, "High"),
        ("same", "twice", {"effectSize": _ratio(0.8, 1.2), "direction": "decrease"}, "Low"),
        ([10.0, 12.2, 10.1, 12.5, 23.0], _HIGH, {"effectSize": _ratio(0.5, 1.0)}, "Pass"),
        ("sparse", "sparser", {"effectSize": _ratio(1.0, 5.0)}, "Pass"),
        ([1.0] * 3, [1.0] * 2, {"direction": "decrease"}, "Pass"),
        ([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0], {"direction": "decrease"}, "Pass"),
        ([0.0, 1.0, 1.0, 1.0, 1.0], [1.0] * 5, {"direction": "decrease"}, "Pass"),
        ([], [1.0, 2.0, 3.0, 4.0, 5.0], {"direction": "decrease"}, "Nodata"),
        ([], [1.0, 2.0, 3.0, 4.0, 5.0], {"direction": "decrease", "nanStrategy": "replace"}, "Pass"),
        ([], [1.0, 2.0], {"mustHaveData": True}, "NodataFailMetric"),
        ([1.0, 1.0, 1.0, 1.0, 10.0], [1.0] * 5, {}, "Pass"),
        ([10.0] * 5, [1.0] * 5, {}, "High"),
        ([10.0] * 5, [0.0] * 5, {}, "High"),
        ([54.9, 54.5, 55.1, 55.6, 57.4], [0.0] * 5, {"effectSize": _ratio(0.8, 1.2)}, "High"),
        ([0.0] * 5, [54.9, 54.5, 55.1, 55.6, 57.4], {"effectSize": _ratio(0.8, 1.2)}, "Low"),
        ([0.0] * 5, [0.0] * 5, {"effectSize": _ratio(0.8, 1.2)}, "Pass"),
    ],
)  # fmt: skip
def test_a_metric_is_classified_as_in_kayentas_suite(
    experiment: Series, control: Series, canary: dict[str, Any], label: str
) -> None:
    found = compare(control, experiment, SUITE, **canary)
    assert found.label == label
    assert not found.critical


@pytest.mark.parametrize(
    ("experiment", "control", "canary", "label", "critical"),
    [
        (_HIGH, _LOW_BASE, {"effectSize": _ratio(1.0, 1.2, "critical")}, "High", True),
        ([2.0, 2.0, 2.0, 2.0, 3.0], [10.0, 20.2, 10.1, 20.5, 30.0],
         {"effectSize": _ratio(1.2, 1.0, "critical")}, "Low", True),
        (_HIGH, _LOW_BASE, {"effectSize": _ratio(1.0, 5.0) | _ratio(1.0, 13.0, "critical")}, "High", False),
        (_HIGH, _LOW_BASE, {"effectSize": _ratio(1.0, 13.0) | _ratio(1.0, 15.0, "critical")}, "Pass", False),
        (_HIGH, _LOW_BASE, {}, "High", True),
        ([], [1.0, 2.0, 3.0, 4.0, 5.0], {"direction": "decrease"}, "Nodata", True),
        ([], [1.0], {"mustHaveData": True}, "Nodata", True),
        (_TINY, [0.0] * 10, {"effectSize": _ratio(0.8, 1.2, "critical"), "nanStrategy": "replace"}, "High", True),
    ],
)  # fmt: skip
def test_a_critical_metric_is_classified_as_in_kayentas_suite(
    experiment: Series, control: Series, canary: dict[str, Any], label: str, critical: bool
) -> None:
    found = compare(control, experiment, SUITE, **_CRITICAL, **canary)
    assert (found.label, found.critical) == (label, critical)


@pytest.mark.parametrize(
    ("control", "experiment", "limits", "label"),
    [
        ("sparser", "sparse", (0.5, 0.8), "Pass"),
        ("control", "twice", (0.2, 0.8), "High"),
        ("twice", "control", (0.2, 0.8), "Low"),
    ],
)
def test_cles_is_the_effect_where_the_configuration_says_so(
    control: str, experiment: str, limits: tuple[float, float], label: str
) -> None:
    size = {"measure": "cles"} | _ratio(*limits)
    assert compare(control, experiment, CLES_SUITE, effectSize=size).label == label


def test_limits_not_given_are_those_of_the_measure() -> None:
    assert compare(_LOW_BASE, _HIGH, effectSize={"measure": "cles"}).label == "High"  # 0.5
    assert compare(_LOW_BASE, _HIGH, effectSize={"measure": "cles", "allowedIncrease": 1.1}).label == "Pass"


def test_the_judge_itself_takes_98_percent_and_a_quarter_of_the_estimate() -> None:
    assert Convention() == Convention(tolerance=0.25, z=-2.326347874040841)


def test_a_ratio_with_a_mean_of_zero_is_not_a_number() -> None:
    assert math.isnan(compare([0.0] * 5, [54.9, 54.5, 55.1, 55.6, 57.4], SUITE).ratio)
    assert compare([0.0] * 5, [0.0] * 5, SUITE).ratio == 1


@pytest.mark.parametrize(
    ("control", "experiment", "expected"),
    [
        ([1.0] * 5, [1.0] * 5, 1.0),
        ([1.0] * 5, [10.0] * 5, 10.0),
        ([100.0] * 5, [10.0] * 5, 0.1),
        ([0.0] * 5, [10.0] * 5, math.nan),
    ],
)
def test_the_mean_ratio_is_that_of_kayentas_suite(
    control: list[float], experiment: list[float], expected: float
) -> None:
    assert mean_ratio(floats(control), floats(experiment)) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("control", "experiment", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0], 0.5),
        ([25.0, 24.0, 26.0], [2.0, 3.0, 1.0, 2.0], 0.0),
        ("sparser", "sparse", None),
        ("control", "twice", None),
    ],
)
def test_cles_is_the_share_of_pairs_in_which_the_canary_is_higher(
    control: str | list[float], experiment: str | list[float], expected: float | None
) -> None:
    pairs = np.subtract.outer(vector(experiment), vector(control))
    share = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert cles(vector(control), vector(experiment)) == pytest.approx(share)
    assert expected in (None, share)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([21.0, 23.0, 24.0, 25.0, 50.0, 29.0, 23.0, 21.0], [50.0]),
        ([1.0, 1.0, 1.0, 5.0, -1.0, -1.0, -1.0, -5.0], [5.0, -5.0]),
        ([], []),
        ([float(value) for value in range(30, 1070, 12)] + [2000.0], [2000.0]),
    ],
)
def test_outliers_are_those_of_kayentas_suite_less_those_within_the_outer_percentiles(
    values: list[float], expected: list[float]
) -> None:
    # The suite tries the detector without the percentiles that the judge adds: its outliers lie beyond them.
    given = floats(values)
    found = given[outliers(given, Outliers.model_validate({"strategy": "remove", "outlierFactor": 1.5}))]
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("values", "strategy", "expected"),
    [
        ([0.0, 1.0, math.nan, 1.0, 0.0], "remove", [0.0, 1.0, 1.0, 0.0]),
        ([math.nan] * 3, "remove", []),
        ([math.nan, 10.1, 20.2, 30.3, math.nan, 40.4], "replace", [0.0, 10.1, 20.2, 30.3, 0.0, 40.4]),
        ([math.nan, 1.0], "a word it does not know", [1.0]),
    ],
)
def test_nan_is_removed_or_replaced_by_zero(
    values: list[float], strategy: str, expected: list[float]
) -> None:
    assert prepare(floats(values), analysis(nanStrategy=strategy)).tolist() == expected


def test_outliers_are_removed_only_where_asked_after_nan() -> None:
    values = floats([21.0, 23.0, 24.0, 25.0, math.nan, 50.0, 29.0, 23.0, 21.0] * 20)
    assert 50.0 in prepare(values, analysis())
    assert 50.0 in prepare(values, analysis(outliers={"outlierFactor": 1.5}))
    assert 50.0 in prepare(
        values, analysis(outliers={"strategy": "remove", "outlierFactor": 1.5})
    )  # over 1 %
    rare = floats([20.0, 21.0, 22.0] * 60 + [50.0])
    assert 50.0 not in prepare(rare, analysis(outliers={"strategy": "remove"}))
