"""What the judge says of healthy pairs and of each kind of fault."""

from __future__ import annotations

import judge_samples as samples
import numpy as np
import pytest

from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.rules import Policy, default_rules
from pipeline.judge.verdict import Decision, Outcome, Verdict

RULES, POLICY = default_rules(), Policy()


def decisions(verdict: Verdict) -> dict[str, Decision]:
    return {metric.name: metric.decision for metric in verdict.metrics}


@pytest.mark.parametrize("seed", range(20))
def test_identical_code_passes_with_every_metric_decided(seed: int) -> None:
    verdict = judge(samples.pair(seed), RULES, POLICY)
    assert verdict.outcome is Outcome.PASSED
    assert set(decisions(verdict).values()) == {Decision.PASS}
    assert verdict.score == 100


@pytest.mark.parametrize(
    ("change", "failed", "first_reason"),
    [
        (
            samples.broken,
            {"error_rate", "availability", "throughput"},
            "Errors: 3,000 of 3,000 requests failed",
        ),
        (samples.slow, {"latency_p50", "service_cpu"}, "Latency, median: "),
        (samples.tail, {"latency_p99"}, "Latency, p99: "),
        (samples.flaky, {"error_rate"}, "Errors: "),
        (samples.leak, {"service_memory_growth"}, "Service memory growth: "),
        (samples.hog, {"service_cpu", "host_cpu"}, "Service CPU: "),
        (samples.wrong, {"wrong_body_rate", "throughput"}, "Wrong bodies: "),
        (samples.crash, {"error_rate", "availability", "service_restarts", "throughput"}, "Errors: "),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("seed", range(3))
def test_each_fault_fails_on_its_own_metrics_and_says_so_first(
    change: samples.Change, failed: set[str], first_reason: str, seed: int
) -> None:
    verdict = judge(samples.pair(seed, change), RULES, POLICY)
    assert verdict.outcome is Outcome.FAILED
    assert {name for name, decision in decisions(verdict).items() if decision is Decision.FAIL} == failed
    assert verdict.reasons[0].startswith(first_reason)


def test_two_percent_errors_against_none_read_in_plain_words() -> None:
    verdict = judge(samples.pair(3, samples.flaky), RULES, POLICY)
    assert verdict.reasons[0] == (
        "Errors: 56 of 3,000 (1.87 %) requests failed on the canary, 0 of 3,000 on the baseline; "
        "more than the 0.5 points allowed (p < 0.001)"
    )
    assert verdict.notes == ("Status 500 on 56 of 3,000 (1.87 %) canary requests, never on the baseline",)


def test_a_tail_is_seen_while_the_median_is_unmoved() -> None:
    found = decisions(judge(samples.pair(0, samples.tail), RULES, POLICY))
    assert (found["latency_p50"], found["latency_p99"]) == (Decision.PASS, Decision.FAIL)


def test_a_broken_canary_gets_no_credit_for_being_fast_and_light() -> None:
    verdict = judge(samples.pair(0, samples.broken), RULES, POLICY)
    for metric in verdict.metrics:
        if metric.name.startswith("latency") or metric.name in ("service_cpu", "service_memory", "host_cpu"):
            assert metric.decision is Decision.NODATA
            assert metric.reason.startswith("not comparable")


def test_an_improvement_never_makes_up_for_a_fail() -> None:
    def faster_but_flaky(arm: Arm, rng: np.random.Generator) -> Arm:
        lighter = samples.with_series(arm, "service_cpu", arm.series["service_cpu"].value / 10)
        return samples.flaky(lighter, rng)

    plain = judge(samples.pair(3, samples.flaky), RULES, POLICY)
    lighter = judge(samples.pair(3, faster_but_flaky), RULES, POLICY)
    assert lighter.outcome is plain.outcome is Outcome.FAILED
    assert lighter.score == plain.score


def test_memory_that_warms_up_and_flattens_is_no_leak() -> None:
    def warming(arm: Arm, rng: np.random.Generator) -> Arm:
        seconds = np.arange(len(arm.series["service_memory"].value))
        rise = 15e6 * (1 - np.exp(-seconds / 8)) + 1e5 * rng.standard_normal(len(seconds))
        return samples.with_series(arm, "service_memory", arm.series["service_memory"].value + rise)

    found = decisions(judge(samples.pair(0, warming), RULES, POLICY))
    assert found["service_memory_growth"] is Decision.PASS


@pytest.mark.parametrize(
    ("restarts", "decision"), [(0, Decision.PASS), (1, Decision.INCONCLUSIVE), (2, Decision.FAIL)]
)
def test_one_restart_may_be_chance_two_in_a_minute_are_not(restarts: int, decision: Decision) -> None:
    def restarting(arm: Arm, rng: np.random.Generator) -> Arm:
        at = rng.permutation(np.arange(1, 59))[:restarts]
        counter = np.asarray([float(np.count_nonzero(at <= second)) for second in range(60)])
        return samples.with_series(arm, "service_restarts", counter)

    verdict = judge(samples.pair(0, restarting), RULES, POLICY)
    assert decisions(verdict)["service_restarts"] is decision
    expected = {Decision.PASS: Outcome.PASSED, Decision.INCONCLUSIVE: Outcome.INCONCLUSIVE}
    assert verdict.outcome is expected.get(decision, Outcome.FAILED)


def test_a_difference_within_the_threshold_passes_however_sure_it_is() -> None:
    def a_little_slower(arm: Arm, rng: np.random.Generator) -> Arm:
        steady = 1.08 + 0.001 * rng.standard_normal(60)
        return samples.with_series(arm, "service_cpu", 0.15 * steady)

    verdict = judge(samples.pair(0, a_little_slower), RULES, POLICY)
    row = next(metric for metric in verdict.metrics if metric.name == "service_cpu")
    assert row.p_value is not None
    assert row.p_value < POLICY.alpha
    assert row.decision is Decision.PASS


def test_judging_is_pure() -> None:
    evidence = samples.pair(5, samples.slow)
    assert judge(evidence, RULES, POLICY) == judge(evidence, RULES, POLICY)
