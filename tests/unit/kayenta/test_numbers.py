"""The numbers under Kayenta's judge: those its own tests state, and those scipy and a slow, obvious way give."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from pipeline.kayenta.arithmetic import mean, percentile, ranks, rounded, variance
from pipeline.kayenta.classify import cles, mean_ratio, outliers, prepare
from pipeline.kayenta.config import Outliers
from pipeline.kayenta.mannwhitney import Z_98, AllTiedError, shift, wilcoxon_difference
from tests.support.kayenta_samples import Floats, analysis, floats, vector

Z_95 = -1.959963984540054

CASES = json.loads((Path(__file__).parents[2] / "support" / "kayenta_shifts.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_number_is_what_kayenta_itself_answered_to_the_last_bit(case: dict[str, Any]) -> None:
    experiment, control, kayenta = floats(case["experiment"]), floats(case["control"]), case["kayenta"]
    for z, confidence in ((Z_98, "98"), (Z_95, "95")):
        found = shift(experiment, control, z)
        assert [found.low, found.high, found.estimate] == kayenta[confidence]
    assert cles(control, experiment) == kayenta["cles"]
    assert mean_ratio(control, experiment) == kayenta["ratio"]
    assert [percentile(experiment, p) for p in (1, 25, 75, 99)] == kayenta["percentiles"]
    assert math.sqrt(variance(experiment)) == kayenta["std"]


def test_the_interval_is_that_of_kayentas_suite() -> None:
    found = shift(floats([10, 20, 30, 40]), floats([1, 2, 3, 4]), Z_95)
    assert (found.low, found.high, found.estimate) == pytest.approx((6.0, 39.0, 22.5), abs=1e-6)


def test_the_quantile_is_the_normal_distributions() -> None:
    assert pytest.approx(norm.ppf(0.01), abs=1e-14) == Z_98


@pytest.mark.parametrize("seed", range(12))
def test_the_statistic_gives_the_p_value_of_scipy(seed: int) -> None:
    experiment, control = _samples(seed, tied=seed % 2 == 0)
    for mu in (0.0, 0.5, -1.0):
        z = wilcoxon_difference(mu, 0, experiment, control)
        p = mannwhitneyu(experiment - mu, control, method="asymptotic", use_continuity=True).pvalue
        assert min(1.0, 2 * norm.sf(abs(z))) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_the_interval_is_that_of_a_slow_and_obvious_one(seed: int) -> None:
    experiment, control = _samples(seed, tied=False)
    found = shift(experiment, control)
    low, high, estimate = _obvious(experiment, control)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)
    # Between the two middle differences, or on a step near them: the continuity correction widens it.
    differences = np.sort(np.subtract.outer(experiment, control).ravel())
    middle = np.searchsorted(differences, found.estimate) - len(differences) / 2
    assert abs(middle) <= 2
    assert found.estimate == pytest.approx(estimate, abs=np.diff(differences).max())


def _samples(seed: int, *, tied: bool) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    experiment, control = rng.normal(0.6, 1, 8 + seed), rng.normal(0, 1.5, 21 - seed)
    if tied:  # and no -0.0, which scipy ranks as 0.0
        experiment, control = np.round(experiment) + 0.0, np.round(control) + 0.0
    return experiment, control


def _obvious(experiment: Floats, control: Floats) -> tuple[float, float, float]:
    """Which pairwise differences the one-sided 1 % tests reject and keep, tried one by one; and their median."""
    differences = sorted(x - y for x, y in itertools.product(experiment.tolist(), control.tolist()))

    def kept(mu: float, side: str) -> bool:
        return bool(
            mannwhitneyu(experiment - mu, control, alternative=side, method="asymptotic").pvalue > 0.01
        )

    steps = [(below + above) / 2 for below, above in itertools.pairwise(differences)]
    low = next(d for d, mu in zip(differences, steps, strict=False) if kept(mu, "greater"))
    high = next(d for d, mu in zip(differences[::-1], steps[::-1], strict=False) if kept(mu, "less"))
    return low, high, float(np.median(differences))


def test_all_values_tied_cannot_be_compared() -> None:
    with pytest.raises(AllTiedError):
        shift(floats([3.0]), floats([1.0]))


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 5, 0.175),
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 50, 1.75),
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 100, 3.5),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 50, 4.5),
        ([95.1772, 95.1567, 95.1937, 95.1959, 95.1442, 95.0610,
          95.1591, 95.1195, 95.1772, 95.0925, 95.1990, 95.1682], 90, 95.19568),
        ([1.0], 100, 1.0),
    ],
)  # fmt: skip
def test_percentiles_are_r7(values: list[float], percent: float, expected: float) -> None:
    given = floats(values)
    assert percentile(given, percent) == pytest.approx(expected, abs=1e-4)
    assert percentile(given, percent) == pytest.approx(float(np.percentile(given, percent)), rel=1e-12)


@pytest.mark.parametrize(
    ("values", "average", "std"),
    [([4.0], 4.0, 0.0), ([1.0, 1.0, 1.0, 10.0, 10.0, 10.0], 5.5, 4.9295)],
)
def test_mean_and_deviation_are_those_of_kayentas_suite(
    values: list[float], average: float, std: float
) -> None:
    assert mean(floats(values)) == average
    assert math.sqrt(variance(floats(values))) == pytest.approx(std, abs=1e-4)


@pytest.mark.parametrize(
    ("control", "experiment", "expected"),
    [([1.0] * 5, [1.0] * 5, 1.0), ([1.0] * 5, [10.0] * 5, 10.0), ([100.0] * 5, [10.0] * 5, 0.1),
     ([0.0] * 5, [10.0] * 5, math.nan)],
)  # fmt: skip
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


def test_equal_zeros_of_both_signs_have_different_ranks_as_in_java() -> None:
    assert ranks(floats([0.0, -0.0, 1.0, math.nan, math.inf, -5.0])).tolist() == [3, 2, 4, 5.5, 5.5, 1]


@pytest.mark.parametrize(
    ("value", "expected"), [(100 / 3, 33.33), (33.335, 33.34), (-0.005, -0.01), (0.0, 0.0)]
)
def test_scores_are_rounded_half_up_in_decimal(value: float, expected: float) -> None:
    assert rounded(value) == expected
