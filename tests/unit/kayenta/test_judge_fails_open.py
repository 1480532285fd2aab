"""Where Kayenta's rules pass a regression, or pass without evidence. Compatibility means that these are kept.

docs/kayenta.md lists them; our own judge is what to use instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.judge.verdict import Outcome
from tests.support.kayenta_samples import Floats, floats, verdict


def _normal(seed: int, n: int = 60) -> Floats:
    return np.random.default_rng(seed).normal(10, 1, n)


def _judge(baseline: Floats, canary: Floats, settings: dict[str, Any] | None = None) -> tuple[float, str]:
    """Score and label of one metric alone."""
    found = verdict({"m": baseline.tolist()}, {"m": canary.tolist()}, settings={"m": settings or {}})
    return found.score.score, found.metrics[0].result.label


def test_a_metric_whose_data_is_gone_from_the_canary_scores_100() -> None:
    healthy = _normal(1).tolist()
    baseline = {"errors": healthy, "cpu": healthy, "memory": healthy}
    found = verdict(baseline, {**baseline, "errors": []}, weights={"errors": 90})
    assert found.metrics[0].result.label == "Nodata"
    assert (found.score.score, found.outcome) == (100, Outcome.PASSED)


def test_a_critical_metric_without_data_passes_where_nan_is_replaced_even_if_it_must_have_data() -> None:
    settings = {"critical": True, "mustHaveData": True, "nanStrategy": "replace"}
    assert _judge(_normal(1), floats([]), settings) == (100, "Pass")


def test_one_sample_against_one_cannot_be_compared_and_scores_100_though_critical() -> None:
    assert _judge(floats([1.0]), floats([1.5]), {"critical": True, "mustHaveData": True}) == (100, "Error")


def _restless(values: Floats) -> Floats:
    return np.asarray((values - 10) * 10 + 10)


def _slow_tail(values: Floats) -> Floats:
    return np.where(np.arange(len(values)) % 10 == 0, values * 100, values)


def _worse_at_the_end(values: Floats) -> Floats:
    return np.where(np.arange(len(values)) >= 0.85 * len(values), values * 5, values)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_restless, id="ten times the deviation"),
        pytest.param(_slow_tail, id="every tenth sample a hundred times as slow"),
        pytest.param(_worse_at_the_end, id="five times as much in the last 15 % of the time"),
    ],
)
def test_what_a_rank_test_does_not_see_passes(change: Callable[[Floats], Floats]) -> None:
    assert _judge(_normal(1), change(_normal(2)), {"critical": True}) == (100, "Pass")


def test_errors_in_one_second_of_ten_where_the_baseline_had_none_pass() -> None:
    errors = floats([50.0 if second % 10 == 0 else 0.0 for second in range(300)])
    assert _judge(floats([0.0] * 300), errors, {"direction": "increase", "critical": True}) == (100, "Pass")


def test_a_third_more_latency_passes_or_fails_by_the_unit_it_is_measured_in() -> None:
    # Roots are sought to 1e-4 in the metric's unit, so below that the interval is all that is possible.
    baseline, canary = _normal(1) * 2e-6, (_normal(2) + 3) * 2e-6  # seconds: 20 and 26 microseconds
    assert _judge(baseline, canary, {"direction": "increase"}) == (100, "Pass")
    assert _judge(baseline * 1e6, canary * 1e6, {"direction": "increase"}) == (0, "High")


def test_a_failing_group_without_a_weight_counts_nothing_beside_weights_of_100() -> None:
    baseline = {"cpu": _normal(1).tolist(), "errors": _normal(1).tolist()}
    found = verdict(baseline, {**baseline, "errors": (_normal(2) * 5).tolist()}, weights={"cpu": 100})
    assert found.metrics[1].result.label == "High"
    assert found.outcome is Outcome.PASSED


def test_critical_with_a_limit_of_its_own_may_score_nothing_but_its_group() -> None:
    baseline = {name: _normal(1).tolist() for name in ("latency", "cpu")}
    found = verdict(
        baseline,
        {**baseline, "latency": (_normal(2) * 3).tolist()},
        weights={"cpu": 95, "latency": 5},
        settings={"latency": {"critical": True, "effectSize": {"criticalIncrease": 5.0}}},
    )
    assert (found.score.score, found.outcome) == (95, Outcome.PASSED)


def test_on_the_other_side_a_difference_of_a_thousandth_fails() -> None:
    # The margin is a quarter of the shift that was found, not of the value: size does not matter, only certainty.
    baseline = 10 + 0.001 * np.random.default_rng(1).normal(size=60)
    canary = 10.01 + 0.001 * np.random.default_rng(2).normal(size=60)
    assert _judge(baseline, canary) == (0, "High")
    assert _judge(baseline, canary, {"effectSize": {"allowedIncrease": 1.05}}) == (100, "Pass")


def test_no_metrics_at_all_do_fail() -> None:
    assert verdict({}, {}).outcome is Outcome.FAILED
