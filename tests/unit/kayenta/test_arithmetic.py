"""Means, percentiles, ranks and rounding, as Kayenta's own tests state them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.kayenta.arithmetic import mean, percentile, ranks, rounded, variance
from tests.support.kayenta_samples import floats


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


def test_equal_zeros_of_both_signs_have_different_ranks_as_in_java() -> None:
    assert ranks(floats([0.0, -0.0, 1.0, math.nan, math.inf, -5.0])).tolist() == [3, 2, 4, 5.5, 5.5, 1]


@pytest.mark.parametrize(
    ("value", "expected"), [(100 / 3, 33.33), (33.335, 33.34), (-0.005, -0.01), (0.0, 0.0)]
)
def test_scores_are_rounded_half_up_in_decimal(value: float, expected: float) -> None:
    assert rounded(value) == expected
