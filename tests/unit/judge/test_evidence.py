"""Missing, broken or one-sided evidence never passes, and each case has its own words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, default_rules
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import row

RULES, POLICY = default_rules(), Policy()
NONE = np.zeros(0)
NO_REQUESTS = Requests(NONE, NONE, NONE.astype(np.int64), NONE.astype(np.int64), NONE.astype(np.int64))
EMPTY = Arm(NO_REQUESTS, {}, 0.0)


def every(arm: Arm, status: int) -> Arm:
    return samples.failing(arm, np.ones(len(arm.requests), dtype=np.bool_), status)


def without(arm: Arm, *names: str) -> Arm:
    return replace(arm, series={name: series for name, series in arm.series.items() if name not in names})


SECONDS = 180
HEALTHY = samples.pair(2, seconds=SECONDS)


@pytest.mark.parametrize(
    ("baseline", "canary", "outcome", "words"),
    [
        (EMPTY, EMPTY, Outcome.INVALID, "No request was measured on the baseline"),
        (EMPTY, HEALTHY.canary, Outcome.INVALID, "No request was measured on the baseline"),
        (HEALTHY.baseline, EMPTY, Outcome.INCONCLUSIVE, "No request was measured on the canary"),
        (HEALTHY.baseline, every(HEALTHY.canary, 0), Outcome.FAILED, "The canary answered none of 9,000"),
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
    assert both.score is not None
    assert one.score < both.score


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


def only(arm: Arm, name: str, kept: NDArray[np.bool_]) -> Arm:
    """The arm with only these samples of one series."""
    series = arm.series[name]
    return replace(arm, series={**arm.series, name: Series(series.t[kept], series.value[kept])})


@pytest.mark.parametrize("name", ["service_cpu", "service_memory", "service_restarts"])
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nothing but NaN", "no data from the canary"),
        ("nothing but infinity", "no data from the canary"),
        ("one sample", ""),
        ("the first ten seconds", "too few to tell: "),
        ("the first third", "too few to tell: "),
    ],
)
def test_a_series_that_is_not_there_or_ends_early_never_passes(name: str, what: str, words: str) -> None:
    second = np.arange(SECONDS)
    canary = {
        "nothing but NaN": samples.with_series(HEALTHY.canary, name, np.full(SECONDS, np.nan)),
        "nothing but infinity": samples.with_series(HEALTHY.canary, name, np.full(SECONDS, np.inf)),
        "one sample": only(HEALTHY.canary, name, second == 90),
        "the first ten seconds": only(HEALTHY.canary, name, second < 10),
        "the first third": only(HEALTHY.canary, name, second < SECONDS // 3),
    }[what]
    verdict = judge(replace(HEALTHY, canary=canary), RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    found = row(verdict, name)
    assert found.decision is Decision.INCONCLUSIVE
    assert words in found.reason


def test_holes_of_single_samples_are_bridged() -> None:
    holes = np.where(np.arange(SECONDS) % 7 == 3, np.nan, HEALTHY.canary.series["service_cpu"].value)
    evidence = replace(HEALTHY, canary=samples.with_series(HEALTHY.canary, "service_cpu", holes))
    assert row(judge(evidence, RULES, POLICY), "service_cpu").decision is Decision.PASS


def test_samples_that_all_bear_one_time_are_one_block_and_decide_nothing() -> None:
    r = HEALTHY.canary.requests
    stuck = replace(HEALTHY.canary, requests=replace(r, t=np.full(len(r), r.t[0])))
    verdict = judge(replace(HEALTHY, canary=stuck), RULES, POLICY)
    assert verdict.outcome is not Outcome.PASSED
    assert row(verdict, "latency_p50").reason.startswith("too few to tell")


def test_bodies_that_nobody_checked_leave_a_critical_metric_open() -> None:
    def unchecked(arm: Arm) -> Arm:
        return replace(arm, requests=replace(arm.requests, body_ok=np.full_like(arm.requests.body_ok, -1)))

    verdict = judge(Evidence(unchecked(HEALTHY.baseline), unchecked(HEALTHY.canary)), RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert row(verdict, "wrong_body_rate").decision is Decision.NODATA


def test_a_few_unanswered_requests_are_too_few_to_fail_on() -> None:
    brief = every(samples.until(HEALTHY.canary, 1), 0)
    verdict = judge(replace(HEALTHY, canary=brief), RULES, POLICY)
    assert verdict.reasons[0] == "The canary answered none of 50 requests"
    assert verdict.outcome is Outcome.INCONCLUSIVE or row(verdict, "error_rate").decision is Decision.FAIL


def test_a_constant_series_is_compared_by_its_value() -> None:
    def with_threads(arm: Arm, count: float) -> Arm:
        return samples.with_series(arm, "service_threads", np.full(SECONDS, count))

    same = judge(HEALTHY, RULES, POLICY)
    more = judge(replace(HEALTHY, canary=with_threads(HEALTHY.canary, 40)), RULES, POLICY)
    assert row(same, "service_threads").decision is Decision.PASS
    assert row(more, "service_threads").decision is Decision.FAIL


def test_growth_from_zero_is_judged_by_amount_not_by_percent() -> None:
    def with_cpu(arm: Arm, cores: float) -> Arm:
        t = arm.series["service_cpu"].t
        return replace(arm, series={**arm.series, "service_cpu": Series(t, np.full(SECONDS, cores))})

    verdict = judge(Evidence(with_cpu(HEALTHY.baseline, 0.0), with_cpu(HEALTHY.canary, 0.005)), RULES, POLICY)
    assert row(verdict, "service_cpu").effect_kind == "absolute"
    assert row(verdict, "service_cpu").decision is Decision.PASS


def test_a_status_other_than_the_expected_one_is_an_error() -> None:
    created = replace(
        HEALTHY.canary,
        requests=replace(
            HEALTHY.canary.requests, status=np.full(SECONDS * samples.RATE, 201, dtype=np.int64)
        ),
    )
    evidence = replace(HEALTHY, canary=created)
    rules = [rule for rule in RULES if rule.name != "new_statuses"]
    assert judge(evidence, rules, Policy()).outcome is Outcome.PASSED
    assert judge(evidence, RULES, Policy(expected_status=(200,))).outcome is Outcome.FAILED
