"""What a run gets whose metrics show no harm, and do not show that there is none: by the policy `undecided`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Problem
from pipeline.judge.outcome import harmless, open_reasons
from pipeline.judge.policy import Policy
from pipeline.judge.verdict import Decision, Lack, Outcome, Verdict
from tests.support.judge_samples import RULES
from tests.support.report_samples import metric

PASS = Policy(undecided="pass")


def holding(arm: Arm, memory: float, seed: int) -> Arm:
    """The arm with a memory that scatters by a tenth."""
    noise = np.random.default_rng(seed).normal(0, 0.1, len(arm.series["service_memory"].t))
    return samples.with_series(arm, "service_memory", memory * (1 + noise))


# Enough samples of everything, and one heavy metric at its margin of 30 %: neither within nor beyond it.
UNDECIDED = replace(
    samples.HEALTHY,
    baseline=holding(samples.HEALTHY.baseline, 60e6, 1),
    canary=holding(samples.HEALTHY.canary, 78e6, 2),
)
RULES_HERE = [rule for rule in RULES if rule.name not in ("service_memory_growth", "joint_shift")]


def judged(evidence: Evidence = UNDECIDED, policy: Policy = PASS) -> Verdict:
    return judge(evidence, RULES_HERE, policy)


def test_undecided_is_inconclusive_unless_the_policy_says_otherwise() -> None:
    usual, asked = judged(policy=Policy()), judged()
    assert (usual.outcome, usual.undecided, usual.let_pass) == (Outcome.INCONCLUSIVE, "inconclusive", ())
    assert (asked.outcome, asked.undecided, asked.let_pass) == (Outcome.PASSED, "pass", ("service_memory",))


def test_only_the_outcome_and_its_words_differ() -> None:
    usual, asked = judged(policy=Policy()), judged()
    assert (asked.metrics, asked.groups, asked.score) == (usual.metrics, usual.groups, usual.score)
    assert samples.row(asked, "service_memory").decision is Decision.INCONCLUSIVE
    assert asked.reasons[0].startswith("No harm was shown, but 1 metric is undecided")
    assert "(undecided: pass)" in asked.reasons[0]
    assert asked.reasons[1] == usual.reasons[0]


def test_a_run_that_passes_anyway_rests_on_no_policy() -> None:
    verdict = judge(samples.HEALTHY, RULES, PASS)
    assert (verdict.outcome, verdict.let_pass) == (Outcome.PASSED, ())
    assert verdict.reasons == judge(samples.HEALTHY, RULES, Policy()).reasons


def short(evidence: Evidence) -> Evidence:
    return replace(
        evidence,
        baseline=samples.until(evidence.baseline, 12),
        canary=samples.until(evidence.canary, 12),
    )


def flaky(evidence: Evidence) -> Evidence:
    return replace(evidence, canary=samples.flaky(evidence.canary, np.random.default_rng(3)))


def one_light_fail(evidence: Evidence) -> Evidence:
    threads = np.full(samples.HEALTHY_SECONDS, 30.0)
    return replace(evidence, canary=samples.with_series(evidence.canary, "service_threads", threads))


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (short(UNDECIDED), Outcome.INCONCLUSIVE),
        (replace(UNDECIDED, canary=samples.without(UNDECIDED.canary, "host_cpu")), Outcome.INCONCLUSIVE),
        (replace(UNDECIDED, canary=samples.without(UNDECIDED.canary, "service_restarts")), Outcome.INCONCLUSIVE),
        (replace(UNDECIDED, problems=(Problem("inconclusive", "interrupted"),)), Outcome.INCONCLUSIVE),
        (replace(UNDECIDED, problems=(Problem("invalid", "the loader was late"),)), Outcome.INVALID),
        (one_light_fail(UNDECIDED), Outcome.INCONCLUSIVE),
        (flaky(UNDECIDED), Outcome.FAILED),
        (replace(UNDECIDED, canary=samples.until(UNDECIDED.canary, 0)), Outcome.INCONCLUSIVE),
    ],
    ids=["too short", "no data", "critical without data", "interrupted", "invalid", "a fail", "failed", "nothing"],
)  # fmt: skip
def test_missing_or_partial_evidence_and_harm_never_pass(evidence: Evidence, outcome: Outcome) -> None:
    verdict = judged(evidence)
    assert (verdict.outcome, verdict.let_pass) == (outcome, ())


def test_a_critical_metric_that_neither_version_has_is_no_evidence() -> None:
    bare = replace(
        UNDECIDED,
        baseline=samples.without(UNDECIDED.baseline, "service_restarts"),
        canary=samples.without(UNDECIDED.canary, "service_restarts"),
    )
    assert judged(bare).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("changes", "lets"),
    [
        ({}, True),
        ({"low": None}, True),
        ({"lacks": Lack.SAMPLES}, False),
        ({"lacks": Lack.TRUST}, False),
        ({"low": 0.3}, False),  # beyond the margin of 0.25, and within a drift that was calibrated
        ({"decision": Decision.NODATA}, False),
    ],
)
def test_what_the_policy_lets_pass(changes: dict[str, Any], lets: bool) -> None:
    undecided = metric(**{"decision": Decision.INCONCLUSIVE, "lacks": Lack.CERTAINTY, **changes})
    assert [m.name for m in harmless([undecided, metric("other")])] == (["latency_p99"] if lets else [])
    assert harmless([undecided, metric("other", decision=Decision.FAIL)]) == []


def test_of_any_other_word_the_policy_knows_nothing() -> None:
    with pytest.raises(ValidationError, match="undecided"):
        Policy.model_validate({"undecided": "passed"})


def test_metrics_with_one_reason_share_its_sentence_and_what_is_in_doubt_comes_first() -> None:
    why = {"decision": Decision.INCONCLUSIVE, "reason": "why"}
    metrics = [metric("a", title="A"), *(metric(name, title=name.upper(), **why) for name in "bcdef")]
    metrics.append(metric("g", title="G", decision=Decision.INCONCLUSIVE, critical=True, reason="a copy"))
    said = open_reasons(metrics, Policy(min_coverage=0.01), frozenset("g"))
    assert said == ["G (critical): a copy", "B; C; D and 2 more: why"]
