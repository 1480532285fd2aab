"""From labels to the score: every case of Kayenta's own suite, and what the suite leaves out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.kayenta.classify import Classification, Label
from pipeline.kayenta.config import Thresholds
from pipeline.kayenta.score import Metric, Score, score


def _score(metrics: str, weights: Mapping[str, float]) -> Score:
    """`metrics`: words like `Pass:a` or `High!:a+b` (critical, in two groups)."""
    read = []
    for word in metrics.split():
        label, _, groups = word.partition(":")
        result = Classification(Label(label.rstrip("!")), critical=label.endswith("!"), reason="why")
        read.append(Metric(word, tuple(groups.split("+")), result))
    return score(read, weights, Thresholds.model_validate({"pass": 95, "marginal": 75}))


@pytest.mark.parametrize(
    ("metrics", "weights", "expected"),
    [
        ("Pass:a", {}, 100.0),
        ("High:a", {}, 0.0),
        ("Nodata:a", {}, 0.0),
        ("Pass:a Pass:a Nodata:b", {}, 100.0),
        ("Pass:a High:a", {}, 50.0),
        ("Pass:a High:a Low:a", {}, 33.33),
        ("Pass:a Pass:a High:b", {"a": 75, "b": 25}, 75.0),
        ("Pass:a High:a High:b", {"a": 50, "b": 50}, 25.0),
        ("Pass:a Nodata:a High:b", {"a": 50, "b": 50}, 50.0),
        ("Pass:a High!:a", {}, 0.0),
        ("Low:a Pass!:a", {}, 50.0),
        ("Pass:a Nodata!:a", {}, 0.0),
        ("High:a Low:a Pass:a High:b", {"a": 15, "b": 85}, 5.0),
    ],
)
def test_the_score_is_that_of_kayentas_suite(
    metrics: str, weights: dict[str, float], expected: float
) -> None:
    assert _score(metrics, weights).score == expected


@pytest.mark.parametrize(
    ("metrics", "weights", "expected"),
    [
        ("Pass:a High:b High:c", {"a": 60}, 60.0),  # b and c share the other 40
        ("NodataFailMetric:a Pass:a", {}, 50.0),  # data that must be there counts as failed
        ("Pass:a High:a+b", {"a": 50, "b": 50}, 25.0),  # a metric counts in each of its groups
        ("Nodata!:a Pass:b Pass:c", {}, 0.0),
    ],
)
def test_the_score_where_the_suite_says_nothing(
    metrics: str, weights: dict[str, float], expected: float
) -> None:
    assert _score(metrics, weights).score == expected


@pytest.mark.parametrize(
    ("weight", "label"), [(95, "Pass"), (94.99, "Marginal"), (75, "Marginal"), (74.99, "Fail")]
)
def test_a_score_at_a_threshold_has_reached_it(weight: float, label: str) -> None:
    assert _score("Pass:a High:b", {"a": weight}).label == label


def test_a_score_of_zero_says_why() -> None:
    assert _score("Pass:a High!:b", {}).reason == "the critical metric High!:b: why"
    assert "1 of 2 metrics had no data" in _score("Pass:a Nodata:b", {}).reason
    assert _score("High:a", {}).reason == ""
