"""The verdict on healthy pairs, on each kind of fault, and where evidence is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import HEALTHY, POLICY, RULES, decisions, failed, judged, row, without


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("seconds", [10, 60, 120])
def test_identical_code_never_fails_however_short_the_run(seed: int, seconds: int) -> None:
    verdict = judged(seed, None, seconds)
    assert verdict.outcome is not Outcome.FAILED
    assert not failed(verdict)


@pytest.mark.parametrize("seed", range(5))
def test_identical_code_passes_once_there_is_enough_of_it(seed: int) -> None:
    assert judged(seed, None, 10).outcome is Outcome.INCONCLUSIVE
    verdict = judged(seed, None, 180)
    assert verdict.outcome is Outcome.PASSED
    # the load average is so much alike from one minute to the next that three minutes say little of it
    assert {name for name, made in decisions(verdict).items() if made is not Decision.PASS} <= {"host_load1"}


@pytest.mark.parametrize(
    ("change", "shown", "may", "first_reason"),
    [
        (samples.broken, {"error_rate", "availability", "throughput", "new_statuses"}, set(), "Errors: "),
        (samples.slow, {"latency_p50"}, {"latency_quantiles", "service_cpu"}, "Latency, median: "),
        (samples.tail, {"slow_requests"}, {"latency_p99"}, ("Slow requests: ", "Latency, p99: ")),
        (samples.flaky, {"error_rate", "new_statuses"}, set(), "Errors: "),
        (samples.leak, {"service_memory_growth"}, set(), "Service memory growth: "),
        (samples.hog, {"service_cpu"}, {"host_cpu"}, "Service CPU: "),
        (samples.wrong, {"wrong_body_rate", "throughput"}, set(), "Wrong bodies: "),
        (samples.crash, {"error_rate", "availability", "service_restarts"}, {"throughput"}, "Errors: "),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("seed", range(2))
def test_each_fault_fails_within_two_minutes_on_its_own_metrics_and_says_so_first(
    change: samples.Change, shown: set[str], may: set[str], first_reason: str | tuple[str, ...], seed: int
) -> None:
    verdict = judged(seed, change, 120)
    assert verdict.outcome is Outcome.FAILED
    assert shown <= failed(verdict) <= shown | may
    assert verdict.reasons[0].startswith(first_reason)


@pytest.mark.parametrize(
    ("change", "metric", "within"),
    [
        (samples.broken, "error_rate", 3),
        (samples.wrong, "wrong_body_rate", 5),
        (samples.flaky, "error_rate", 15),
        (samples.crash, "error_rate", 15),
        (samples.leak, "service_memory_growth", 60),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_worse_the_fault_the_sooner_it_is_decided(
    change: samples.Change, metric: str, within: float
) -> None:
    for seed in range(3):
        after = row(judged(seed, change, 60), metric).decided_after
        assert after is not None
        assert after <= within


def test_a_broken_canary_gets_no_credit_for_being_fast_and_light() -> None:
    for metric in judged(0, samples.broken, 120).metrics:
        if metric.name.startswith("latency") or metric.name in ("service_cpu", "service_memory", "host_cpu"):
            assert metric.decision is Decision.NODATA
            assert metric.reason.startswith("not comparable")


def test_an_improvement_never_makes_up_for_a_fail() -> None:
    def faster_but_flaky(arm: Arm, rng: np.random.Generator) -> Arm:
        lighter = samples.with_series(arm, "service_cpu", arm.series["service_cpu"].value / 10)
        return samples.flaky(lighter, rng)

    plain, lighter = judged(3, samples.flaky, 60), judged(3, faster_but_flaky, 60)
    assert lighter.outcome is plain.outcome is Outcome.FAILED
    assert lighter.score == plain.score == 0


def test_judging_is_pure() -> None:
    evidence = samples.pair(5, samples.slow)
    assert judge(evidence, RULES, POLICY) == judge(evidence, RULES, POLICY)


def test_a_fault_is_caught_in_turn_as_well() -> None:
    for change, metric in ((samples.slow, "latency_p50"), (samples.flaky, "error_rate")):
        verdict = judge(samples.in_turn(samples.pair(2, change, seconds=120)), RULES, POLICY)
        assert metric in failed(verdict)


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


@pytest.mark.parametrize(("name", "title"), [("service_cpu", "Service CPU"), ("host_load1", "Host load")])
def test_a_metric_that_only_one_version_has_keeps_the_canary_from_passing_whatever_its_weight(
    name: str, title: str
) -> None:
    verdict = judge(replace(HEALTHY, canary=without(HEALTHY.canary, name)), RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reasons[0].startswith(f"{title}: no data from the canary")


def test_a_metric_too_light_to_fail_the_canary_may_be_undecided_in_a_pass() -> None:
    def loaded(arm: Arm, load: float, seed: int) -> Arm:
        noise = np.random.default_rng(seed).normal(0, 0.1, len(arm.series["host_load1"].t))
        return samples.with_series(arm, "host_load1", load + noise)

    # At the margin of 50 %, neither within nor beyond it.
    noisy = replace(HEALTHY, baseline=loaded(HEALTHY.baseline, 2, 1), canary=loaded(HEALTHY.canary, 3, 2))
    verdict = judge(noisy, RULES, POLICY)
    assert row(verdict, "host_load1").decision is Decision.INCONCLUSIVE
    assert verdict.outcome is Outcome.PASSED


def test_no_rules_at_all_never_pass() -> None:
    assert judge(HEALTHY, (), POLICY).outcome is Outcome.INCONCLUSIVE


def test_rules_that_find_no_data_in_either_version_never_pass() -> None:
    rules = [MetricRule.model_validate({"name": "host_cpu"})]
    bare = Evidence(without(HEALTHY.baseline, "host_cpu"), without(HEALTHY.canary, "host_cpu"))
    verdict = judge(bare, rules, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "0 % of the score's weight" in verdict.reasons[0]
