"""The location shift and its interval: the numbers of Kayenta itself, of scipy, and of a slow, obvious way."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from pipeline.kayenta.arithmetic import percentile, variance
from pipeline.kayenta.classify import cles, mean_ratio
from pipeline.kayenta.mannwhitney import Z_98, AllTiedError, shift, wilcoxon_difference
from tests.support.kayenta_samples import Floats, floats

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
