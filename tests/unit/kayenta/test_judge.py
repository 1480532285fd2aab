"""The whole verdict: what Kayenta itself answered to 40 random configurations and pairs of series.

Answered by its commit a69573b, run once.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kayenta.config import CanaryConfig, Thresholds
from pipeline.kayenta.judge import KayentaVerdict, judge
from tests.support.kayenta_samples import floats, one_metric

CASES = json.loads((Path(__file__).parents[2] / "support" / "kayenta_judged.json").read_text("utf-8"))


def _judge(case: dict[str, Any]) -> KayentaVerdict:
    return judge(
        CanaryConfig.model_validate(case["config"]),
        Thresholds.model_validate(case["thresholds"]),
        {name: floats(values) for name, values in case["control"].items()},
        {name: floats(values) for name, values in case["experiment"].items()},
    )


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_score_groups_and_every_metric_are_as_kayenta_itself_answered(case: dict[str, Any]) -> None:
    found, kayenta = _judge(case), case["kayenta"]
    assert found.score.score == kayenta["score"]
    assert found.score.label == kayenta["classification"]
    assert {group.name: group.score for group in found.score.groups} == kayenta["groups"]
    for metric, expected in zip(found.metrics, kayenta["metrics"], strict=True):
        assert metric.result.label == expected["classification"]
        assert metric.result.critical == expected["critical"]
        both = metric.baseline, metric.canary
        assert [stats.mean for stats in both] == expected["mean"]  # to the last bit
        assert [stats.std for stats in both] == expected["std"]
        # Two constants get noise, and Kayenta's is random.
        noisy = all(stats.count and stats.min == stats.max for stats in both)
        ratio = float(expected["ratio"])
        assert metric.result.ratio == pytest.approx(ratio, rel=1e-4 if noisy else 0, abs=0, nan_ok=True)


def test_the_cases_reach_every_label_but_error() -> None:
    labels = {metric["classification"] for case in CASES for metric in case["kayenta"]["metrics"]}
    assert labels == {"Pass", "High", "Low", "Nodata", "NodataFailMetric"}
    assert {case["kayenta"]["classification"] for case in CASES} == {"Pass", "Marginal", "Fail"}


def test_a_verdict_can_be_repeated_although_constants_get_noise() -> None:
    for case in CASES:
        assert str(_judge(case).to_dict()) == str(_judge(case).to_dict())
    assert any(math.isfinite(metric.result.ratio) for metric in _judge(CASES[0]).metrics)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(allow_infinity=False), max_size=12),
    st.lists(st.floats(allow_infinity=False), max_size=12),
)
def test_whatever_the_samples_are_there_is_a_verdict(baseline: list[float], canary: list[float]) -> None:
    for settings_ in ({}, {"nanStrategy": "replace", "outliers": {"strategy": "remove"}}):
        config = CanaryConfig.model_validate(one_metric(settings_, {}))
        found = judge(config, config.thresholds(), {"m": floats(baseline)}, {"m": floats(canary)})
        assert 0 <= found.score.score <= 100
