"""The score can be recomputed from the table."""

from __future__ import annotations

import pytest

from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, default_rules
from pipeline.judge.score import coverage, group_scores, total
from pipeline.judge.verdict import Decision, MetricVerdict, Summary

PASS, FAIL, OPEN, NONE = Decision.PASS, Decision.FAIL, Decision.INCONCLUSIVE, Decision.NODATA


def table(*rows: tuple[str, float, Decision]) -> tuple[MetricVerdict, ...]:
    nothing = Summary(0, None)
    rule = MetricRule.model_validate({"name": "latency_p50"})
    return tuple(
        MetricVerdict(
            rule.name,
            "",
            group,
            "s",
            weight,
            False,
            nothing,
            nothing,
            None,
            "relative",
            0.1,
            decision,
            "",
        )
        for group, weight, decision in rows
    )


@pytest.mark.parametrize(
    ("rows", "score"),
    [
        ([("errors", 30, PASS), ("latency", 30, PASS)], 100),
        ([("errors", 30, PASS), ("latency", 30, FAIL)], 50),
        # Two fails of one group are one loss, of its heaviest.
        ([("errors", 30, PASS), ("latency", 30, FAIL), ("latency", 30, FAIL)], 50),
        ([("errors", 30, PASS), ("service", 30, PASS), ("service", 10, FAIL)], 100 - 100 * 10 / 60),
        ([("errors", 30, PASS), ("latency", 30, OPEN)], 75),
        # A group without data is left out; a metric without data does not carry its group.
        ([("errors", 30, PASS), ("host", 10, NONE)], 100),
        ([("errors", 30, PASS), ("service", 30, NONE), ("service", 10, FAIL)], 75),
        ([("host", 10, NONE)], None),
        ([], None),
    ],
)
def test_a_group_loses_the_weight_of_its_worst_metric_once(
    rows: list[tuple[str, float, Decision]], score: float | None
) -> None:
    assert total(group_scores(table(*rows))) == (None if score is None else pytest.approx(score))


def test_coverage_is_the_weight_that_rests_on_decisions() -> None:
    rows = table(("errors", 30, PASS), ("latency", 30, OPEN), ("service", 30, NONE), ("service", 10, FAIL))
    assert coverage(rows) == pytest.approx((30 + 10) / 90)
    assert coverage(()) == 0


def test_by_default_the_fail_of_any_one_weighty_metric_fails_the_canary() -> None:
    rules = default_rules()
    for failing in rules:
        rows = table(*((rule.group, rule.weight, FAIL if rule is failing else PASS) for rule in rules))
        score = total(group_scores(rows))
        assert score is not None
        assert (score < Policy().pass_score) == (failing.weight == 30)
