"""What decides before any metric does: a broken experiment, a dead canary, too little load."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import HEALTHY, POLICY, RULES, every, row

NONE = np.zeros(0)
NO_REQUESTS = Requests(NONE, NONE, NONE.astype(np.int64), NONE.astype(np.int64), NONE.astype(np.int64))
EMPTY = Arm(NO_REQUESTS, {}, 0.0)


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


def test_a_few_unanswered_requests_are_too_few_to_fail_on() -> None:
    brief = every(samples.until(HEALTHY.canary, 1), 0)
    verdict = judge(replace(HEALTHY, canary=brief), RULES, POLICY)
    assert verdict.reasons[0] == "The canary answered none of 50 requests"
    assert verdict.outcome is Outcome.INCONCLUSIVE or row(verdict, "error_rate").decision is Decision.FAIL


def test_series_without_any_load_can_be_judged() -> None:
    evidence = samples.pair(2, seconds=180)
    series = ("service_cpu", "service_memory", "service_restarts")

    def bare(arm: Arm) -> Arm:
        kept: dict[str, Series] = {name: arm.series[name] for name in series}
        return replace(samples.until(arm, 0), series=kept, seconds=arm.seconds)

    rules = [rule for rule in RULES if rule.name in series]
    found = Evidence(bare(evidence.baseline), bare(evidence.canary))
    assert judge(found, rules, POLICY).outcome is Outcome.INVALID
    assert judge(replace(found, load=False), rules, POLICY).outcome is Outcome.PASSED
