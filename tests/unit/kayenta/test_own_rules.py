"""What our judge takes of Kayenta's configuration, and what is told of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.base.errors import UsageError
from pipeline.judge.rules import MetricRule
from pipeline.kayenta.config import CanaryConfig
from pipeline.kayenta.own_rules import notes_on, own_config, own_metrics


def _config(*metrics: dict[str, Any], **weights: float) -> CanaryConfig:
    thresholds = {"pass": 90, "marginal": 50}
    classifier = {"groupWeights": weights, "scoreThresholds": thresholds}
    return CanaryConfig.model_validate({"metrics": metrics, "classifier": classifier})


def _metric(name: str = "m", groups: tuple[str, ...] = ("g",), **canary: Any) -> dict[str, Any]:
    return {"name": name, "groups": groups, "analysisConfigurations": {"canary": canary}}


def _rules(config: CanaryConfig) -> list[MetricRule]:
    owns = own_metrics([(metric, {}, False) for metric in config.metrics])
    return list(own_config(config, config.thresholds(), [own for own in owns if own]).rules())


@pytest.mark.parametrize(
    ("direction", "size", "expected"),
    [
        ("increase", {"allowedIncrease": 1.1}, ("increase", "10%")),
        ("increase", {"allowedIncrease": 3.5, "allowedDecrease": 0.99}, ("increase", "250%")),
        ("increase", {"allowedDecrease": 0.5}, ("increase", "10%")),
        ("decrease", {"allowedDecrease": 0.75}, ("decrease", "25%")),
        ("decrease", {"allowedDecrease": 0}, ("decrease", "99.9%")),
        ("either", {"allowedIncrease": 1.2, "allowedDecrease": 0.8}, ("either", "20%")),
        ("either", {"allowedIncrease": 1.5, "allowedDecrease": 0.95}, ("either", "5%")),
        ("either", {"allowedIncrease": 1.05}, ("either", "5%")),
        ("either", {"allowedIncrease": 9, "allowedDecrease": -1}, ("either", "99.9%")),
        ("increase", {}, ("increase", "10%")),
        ("increase", {"allowedIncrease": 0.9}, ("increase", "10%")),
        ("increase", {"measure": "cles", "allowedIncrease": 0.7}, ("increase", "10%")),
        ("sideways", {"allowedIncrease": 1.3, "allowedDecrease": 0.7}, ("either", "30%")),
    ],
)
def test_allowed_ratios_become_margins(
    direction: str, size: dict[str, Any], expected: tuple[str, str]
) -> None:
    (rule,) = _rules(_config(_metric(direction=direction, effectSize=size)))
    assert (rule.direction, rule.threshold) == expected
    assert rule.limit.relative


def test_a_metric_weighs_what_its_heaviest_group_weighs_and_is_critical_as_it_was() -> None:
    config = _config(
        _metric("a", ("x",), critical=True), _metric("b", ("x", "y")), _metric("c", ("z",)), x=20, y=50
    )
    assert [(rule.group, rule.weight, rule.critical) for rule in _rules(config)] == [
        ("x", 20, True),
        ("y", 50, False),
        ("z", 30, False),
    ]


def test_the_score_that_passes_is_the_threshold_s() -> None:
    config = _config(_metric())
    owns = own_metrics([(config.metrics[0], {}, False)])
    assert own_config(config, config.thresholds(0, 0), [own for own in owns if own]).policy.pass_score > 0
    assert own_config(config, config.thresholds(), [own for own in owns if own]).policy.pass_score == 90


def test_names_that_ours_cannot_have_are_made_fit_and_stay_apart() -> None:
    config = _config(_metric("CPU usage of x"), _metric("CPU-usage of x!"), _metric("5xx"), _metric("日本"))
    owns = own_metrics([(metric, {"le": "0.5"}, index == 0) for index, metric in enumerate(config.metrics)])
    made = [(own.name, own.title, own.unit) for own in owns if own]
    assert made == [
        ("CPU_usage_of_x_le:_0.5", "CPU usage of x {le: 0.5}", "units"),
        ("CPU-usage_of_x_le:_0.5", "CPU-usage of x! {le: 0.5}", "count"),
        ("_5xx_le:_0.5", "5xx {le: 0.5}", "count"),
        ("le:_0.5", "日本 {le: 0.5}", "count"),
    ]
    same = own_metrics([(config.metrics[3], {}, False)] * 3)
    assert [own.name for own in same if own] == ["metric", "metric_2", "metric_3"]
    assert own_config(config, config.thresholds(), [own for own in owns if own]).metrics[0].unit == "units"


def test_what_means_something_else_here_is_noted() -> None:
    config = _config(
        _metric("plain"),
        _metric("uneven", effectSize={"allowedIncrease": 1.5, "allowedDecrease": 0.9}),
        _metric("even", effectSize={"allowedIncrease": 1.1, "allowedDecrease": 0.9}),
        _metric(
            "far",
            direction="increase",
            critical=True,
            effectSize={"allowedIncrease": 1.1, "criticalIncrease": 5},
        ),
        _metric("cut", outliers={"strategy": "remove"}),
        _metric("two", ("g", "h")),
        _metric("hushed", muted=True),
        g=100,
    )
    assert list(notes_on(config)) == [
        "plain, cut, two: no allowedIncrease or allowedDecrease for the direction, of which Kayenta takes any "
        "difference; pipeline takes a margin of 10 % (an allowedIncrease of 1.1)",
        "pipeline takes the smaller of the two margins in both directions for uneven",
        "pipeline lets far fail the canary alone from the margin on, not from criticalIncrease or criticalDecrease on",
        "pipeline keeps the outliers of cut",
        "pipeline counts two in the heaviest of their groups alone",
        "the weights leave nothing for the group h: it counts for nothing, unless it is critical",
        "muted, so pipeline does not judge it: hushed",
    ]


def test_nothing_left_and_too_much_are_refused() -> None:
    config = _config(_metric(muted=True))
    with pytest.raises(UsageError, match="all metrics are muted"):
        own_config(config, config.thresholds(), [])
    with pytest.raises(UsageError, match="201 pairs of series: our judge takes 200"):
        own_metrics([(config.metrics[0], {"n": str(n)}, False) for n in range(201)])
