"""Missing, broken or one-sided evidence never passes, and each case has its own words."""

from __future__ import annotations

from dataclasses import replace

import judge_samples as samples
import numpy as np
import pytest

from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.rules import MetricRule, Policy, default_rules
from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict

RULES, POLICY = default_rules(), Policy()
NONE = np.zeros(0)
NO_REQUESTS = Requests(NONE, NONE, NONE.astype(np.int64), NONE.astype(np.int64), NONE.astype(np.int64))
EMPTY = Arm(NO_REQUESTS, {}, 0.0)


def row(verdict: Verdict, name: str) -> MetricVerdict:
    return next(metric for metric in verdict.metrics if metric.name == name)


def every(arm: Arm, status: int) -> Arm:
    return samples.failing(arm, np.ones(len(arm.requests), dtype=np.bool_), status)


def without(arm: Arm, *names: str) -> Arm:
    return replace(arm, series={name: series for name, series in arm.series.items() if name not in names})


HEALTHY = samples.pair(1)


@pytest.mark.parametrize(
    ("baseline", "canary", "outcome", "words"),
    [
        (EMPTY, EMPTY, Outcome.INVALID, "No request was measured on the baseline"),
        (EMPTY, HEALTHY.canary, Outcome.INVALID, "No request was measured on the baseline"),
        (HEALTHY.baseline, EMPTY, Outcome.INCONCLUSIVE, "No request was measured on the canary"),
        (HEALTHY.baseline, every(HEALTHY.canary, 0), Outcome.FAILED, "The canary answered none of 3,000"),
        (every(HEALTHY.baseline, 0), HEALTHY.canary, Outcome.INVALID, "it is no measure for the canary"),
        (every(HEALTHY.baseline, 500), every(HEALTHY.canary, 500), Outcome.INVALID, "it is no measure"),
    ],
    ids=["both empty", "no baseline", "no canary", "canary silent", "baseline silent", "both broken"],
)
def test_an_arm_without_evidence_has_its_own_outcome(
    baseline: Arm, canary: Arm, outcome: Outcome, words: str
) -> None:
    verdict = judge(Evidence(baseline, canary), RULES, POLICY)
    assert verdict.outcome is outcome
    assert words in verdict.reasons[0]


@pytest.mark.parametrize("share", [0.04, 0.06])
def test_a_baseline_with_more_errors_than_the_policy_allows_is_invalid(share: float) -> None:
    failing = np.arange(len(HEALTHY.baseline.requests)) % 100 < share * 100
    verdict = judge(Evidence(samples.failing(HEALTHY.baseline, failing, 503), HEALTHY.canary), RULES, POLICY)
    assert verdict.outcome is (Outcome.PASSED if share < 0.05 else Outcome.INVALID)
    assert (verdict.score is None) == (share > 0.05)


@pytest.mark.parametrize(
    ("effects", "outcome"),
    [
        (["note"], Outcome.PASSED),
        (["inconclusive", "note"], Outcome.INCONCLUSIVE),
        (["inconclusive", "failed"], Outcome.FAILED),
        (["failed", "invalid", "inconclusive"], Outcome.INVALID),
        (["an effect of a later version"], Outcome.INVALID),
    ],
)
def test_the_worst_problem_decides_over_healthy_samples(effects: list[str], outcome: Outcome) -> None:
    problems = tuple(Problem(effect, f"this is {effect}") for effect in effects)
    verdict = judge(replace(HEALTHY, problems=problems), RULES, POLICY)
    assert verdict.outcome is outcome
    said = [f"this is {effect}" for effect in effects]
    assert set(said) <= {*verdict.reasons, *verdict.notes}


@pytest.mark.parametrize(
    ("effect", "outcome"), [("failed", Outcome.FAILED), ("inconclusive", Outcome.INCONCLUSIVE)]
)
def test_a_run_without_any_load_ends_as_its_problem_says(effect: str, outcome: Outcome) -> None:
    verdict = judge(Evidence(EMPTY, EMPTY, (Problem(effect, "the canary did not start"),)), RULES, POLICY)
    assert verdict.outcome is outcome
    assert verdict.reasons[0] == "the canary did not start"
    assert verdict.score == 0


def test_an_undecided_critical_metric_keeps_a_healthy_canary_from_passing() -> None:
    evidence = replace(HEALTHY, canary=without(HEALTHY.canary, "service_restarts"))
    verdict = judge(evidence, RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reasons[0] == (
        "Service restarts (critical): no data from the canary, so nothing to compare with"
    )


def test_a_metric_missing_on_one_side_is_undecided_and_on_both_it_is_no_data() -> None:
    one = judge(replace(HEALTHY, canary=without(HEALTHY.canary, "service_cpu")), RULES, POLICY)
    both = judge(
        Evidence(without(HEALTHY.baseline, "service_cpu"), without(HEALTHY.canary, "service_cpu")),
        RULES,
        POLICY,
    )
    assert row(one, "service_cpu").decision is Decision.INCONCLUSIVE
    assert row(both, "service_cpu").decision is Decision.NODATA
    assert one.score is not None
    assert both.score == 100
    assert one.score < 100


def test_a_metric_that_would_fail_the_canary_must_be_decided_for_it_to_pass() -> None:
    heavy = judge(replace(HEALTHY, canary=without(HEALTHY.canary, "service_cpu")), RULES, POLICY)
    light = judge(replace(HEALTHY, canary=without(HEALTHY.canary, "host_load1")), RULES, POLICY)
    assert (heavy.outcome, light.outcome) == (Outcome.INCONCLUSIVE, Outcome.PASSED)
    assert heavy.reasons[0].startswith("Service CPU: no data from the canary")


def test_no_rules_at_all_never_pass() -> None:
    assert judge(HEALTHY, (), POLICY).outcome is Outcome.INCONCLUSIVE


def test_rules_that_find_no_data_in_either_version_never_pass() -> None:
    rules = [MetricRule.model_validate({"name": "host_cpu"})]
    bare = Evidence(without(HEALTHY.baseline, "host_cpu"), without(HEALTHY.canary, "host_cpu"))
    verdict = judge(bare, rules, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "0 % of the score's weight" in verdict.reasons[0]


def test_a_run_of_a_second_is_too_short_to_tell() -> None:
    short = samples.pair(2, seconds=1)
    verdict = judge(short, RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "too few to tell" in row(verdict, "error_rate").reason


def test_samples_that_are_no_numbers_count_as_missing() -> None:
    nothing = np.full(60, np.nan)
    verdict = judge(
        replace(HEALTHY, canary=samples.with_series(HEALTHY.canary, "service_cpu", nothing)), RULES, POLICY
    )
    assert row(verdict, "service_cpu").reason.startswith("no data from the canary")


def test_a_constant_series_is_compared_by_its_value() -> None:
    def with_threads(arm: Arm, count: float) -> Arm:
        return samples.with_series(arm, "service_threads", np.full(60, count))

    same = judge(HEALTHY, RULES, POLICY)
    more = judge(replace(HEALTHY, canary=with_threads(HEALTHY.canary, 40)), RULES, POLICY)
    assert row(same, "service_threads").decision is Decision.PASS
    assert row(more, "service_threads").decision is Decision.FAIL


def test_growth_from_zero_is_judged_by_amount_not_by_percent() -> None:
    def with_cpu(arm: Arm, cores: float) -> Arm:
        t = arm.series["service_cpu"].t
        return replace(arm, series={**arm.series, "service_cpu": Series(t, np.full(60, cores))})

    verdict = judge(Evidence(with_cpu(HEALTHY.baseline, 0.0), with_cpu(HEALTHY.canary, 0.005)), RULES, POLICY)
    assert row(verdict, "service_cpu").effect_kind == "absolute"
    assert row(verdict, "service_cpu").decision is Decision.PASS


def test_a_status_other_than_the_expected_one_is_an_error() -> None:
    created = replace(
        HEALTHY.canary, requests=replace(HEALTHY.canary.requests, status=np.full(3000, 201, dtype=np.int64))
    )
    evidence = replace(HEALTHY, canary=created)
    assert judge(evidence, RULES, Policy()).outcome is Outcome.PASSED
    assert judge(evidence, RULES, Policy(expected_status=(200,))).outcome is Outcome.FAILED
