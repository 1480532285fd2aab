"""What a profile may say about metrics, and how it is told what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.judge.catalogue import CATALOGUE
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, default_rules


@pytest.mark.parametrize(
    ("metric", "text", "value", "relative"),
    [
        ("latency_p50", "10%", 0.1, True),
        ("latency_p50", "10 %", 0.1, True),
        ("latency_p50", "20ms", 0.02, False),
        ("latency_p50", 0.02, 0.02, False),
        ("error_rate", "0.5pp", 0.005, False),
        ("service_memory", "8MB", 8e6, False),
        ("service_memory_growth", "8MiB/min", 8 * 2.0**20, False),
        ("service_restarts", 0, 0.0, False),
    ],
)
def test_a_threshold_is_a_number_with_a_unit_of_its_metric(
    metric: str, text: str | float, value: float, relative: bool
) -> None:
    rule = MetricRule.model_validate({"name": metric, "threshold": text})
    assert rule.limit.relative is relative
    assert rule.limit.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "latancy"}, "there is no metric 'latancy'; known: error_rate"),
        ({"weight": 3}, "a metric needs a name"),
        ({"name": "error_rate", "threshold": "5%"}, "compared by difference, so write it like '0.3pp'"),
        ({"name": "latency_p50", "threshold": "8MB"}, "latency_p50 is in s; known units here: us, ms, s"),
        ({"name": "latency_p50", "threshold": "-5"}, "is not a number with a unit"),
        ({"name": "latency_p50", "threshold": "0%"}, "must be more than 0 %"),
        ({"name": "latency_p50", "threshold": True}, "valid string"),
        ({"name": "latency_p50", "weight": 0}, "greater than 0"),
        ({"name": "latency_p50", "weight": float("nan")}, "finite number"),
        ({"name": "latency_p50", "treshold": "5%"}, "Extra inputs are not permitted"),
        ({"name": "service_restarts", "direction": "decrease"}, "only an increase is harmful"),
        ({"name": "joint_shift", "direction": "decrease"}, "only an increase is harmful"),
        ({"name": "joint_shift", "threshold": "5%"}, "compared by difference, so write it like '0.5'"),
        ({"name": "throughput", "threshold": "100%"}, "may fall by less than 100 % only"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("(", r"\(")):
        MetricRule.model_validate(given)


def test_every_metric_of_the_catalogue_has_a_usable_default_rule() -> None:
    rules = default_rules()
    assert [rule.name for rule in rules] == list(CATALOGUE)
    for rule in rules:
        assert not rule.limit.relative or rule.metric.floor > 0


def test_a_rule_survives_being_written_to_a_file_and_read_again() -> None:
    for rule in default_rules():
        assert MetricRule.model_validate(rule.model_dump(mode="json")) == rule
    assert Policy.model_validate(Policy(expected_status=(200,)).model_dump(mode="json")).expected_status == (
        200,
    )


def test_the_documentation_lists_every_metric_with_its_defaults() -> None:
    page = (Path(__file__).parents[3] / "docs" / "judge.md").read_text("utf-8")
    for metric in CATALOGUE.values():
        critical = "yes" if metric.critical else ""
        cells = [f"`{metric.name}`", metric.group, metric.kind, metric.direction, metric.threshold]
        assert f"| {' | '.join(cells)} | {metric.weight:g} | {critical} |" in page
