"""What the judge says of healthy pairs and of each kind of fault."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Series
from pipeline.judge.policy import Policy
from pipeline.judge.rules import default_rules
from pipeline.judge.verdict import Decision, Outcome, Verdict

RULES, POLICY = default_rules(), Policy()
decisions, failed, row = samples.decisions, samples.failed, samples.row


@cache
def judged(seed: int, change: samples.Change | None, seconds: int) -> Verdict:
    return judge(samples.pair(seed, change, seconds=seconds), RULES, POLICY)


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
        (samples.tail, {"latency_p99"}, set(), "Latency, p99: "),
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
    change: samples.Change, shown: set[str], may: set[str], first_reason: str, seed: int
) -> None:
    verdict = judged(seed, change, 120)
    assert verdict.outcome is Outcome.FAILED
    assert shown <= failed(verdict) <= shown | may
    assert verdict.reasons[0].startswith(first_reason)


@pytest.mark.parametrize(
    ("change", "metric", "within"),
    [
        (samples.broken, "error_rate", 2),
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


def test_two_percent_errors_against_none_read_in_plain_words() -> None:
    verdict = judged(3, samples.flaky, 60)
    assert verdict.reasons[0] == (
        "Errors: 56 of 3,000 (1.87 %) requests failed on the canary, 0 of 3,000 on the baseline "
        "(between 1 point and 2.9 points more); shown to be worse than the baseline, "
        "and by more than the allowed 0.3 points"
    )
    assert verdict.notes == ("Status 500 on 56 of 3,000 (1.87 %) canary requests, never on the baseline",)


def test_a_metric_that_is_not_decided_says_what_it_would_take() -> None:
    slow = row(judged(0, samples.slow, 60), "latency_p50")
    assert slow.decision is Decision.INCONCLUSIVE
    assert slow.more_minutes is not None
    assert slow.reason.endswith(
        "neither shown to be within nor beyond the allowed 5 %: about 2 more minutes at this rate would tell"
    )
    assert row(judged(0, samples.slow, 120 + 60), "latency_p50").decision is Decision.FAIL


def test_a_tail_is_seen_while_the_median_is_unmoved() -> None:
    found = decisions(judged(0, samples.tail, 120))
    assert (found["latency_p50"], found["latency_p99"]) == (Decision.PASS, Decision.FAIL)


def test_a_wider_spread_is_seen_though_the_median_stays() -> None:
    def wider(arm: Arm, rng: np.random.Generator) -> Arm:
        latency = arm.requests.latency * rng.lognormal(0, 0.6, len(arm.requests))
        return replace(arm, requests=replace(arm.requests, latency=latency))

    verdict = judged(0, wider, 120)
    assert failed(verdict) >= {"latency_quantiles"}
    assert row(verdict, "latency_quantiles").reason.startswith(("p90: ", "p95: "))
    assert "latency_p50" not in failed(verdict)


def test_a_step_late_in_the_run_is_seen() -> None:
    def later(arm: Arm, rng: np.random.Generator) -> Arm:
        step = 1 + 0.3 * (arm.requests.t > arm.phase_starts[0] + 150) + 0.01 * rng.random()
        return replace(arm, requests=replace(arm.requests, latency=arm.requests.latency * step))

    found = row(judged(0, later, 240), "latency_p50")
    assert found.decision is Decision.FAIL
    assert found.decided_after is not None
    assert found.decided_after > 150


def test_a_second_half_beyond_the_margin_does_not_pass_by_the_first() -> None:
    def heating(arm: Arm, rng: np.random.Generator) -> Arm:
        cpu = arm.series["service_cpu"]
        late = 0.17 * (cpu.t > cpu.t[0] + 90) * (1 + 0.01 * rng.random())
        return samples.with_series(arm, "service_cpu", cpu.value * (0.95 + late))

    verdict = judged(2, heating, 180)
    assert row(verdict, "service_cpu").decision is not Decision.PASS


def test_a_status_the_baseline_never_gave_fails_though_it_is_no_error() -> None:
    def created(arm: Arm, rng: np.random.Generator) -> Arm:
        status = np.where(rng.random(len(arm.requests)) < 0.03, 202, arm.requests.status)
        return replace(arm, requests=replace(arm.requests, status=status))

    verdict = judged(0, created, 120)
    assert failed(verdict) == {"new_statuses"}
    assert "(202)" in row(verdict, "new_statuses").reason


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


def test_memory_that_warms_up_and_flattens_is_no_leak() -> None:
    def warming(arm: Arm, rng: np.random.Generator) -> Arm:
        seconds = np.arange(len(arm.series["service_memory"].value))
        rise = 15e6 * (1 - np.exp(-seconds / 8)) + 1e5 * rng.standard_normal(len(seconds))
        return samples.with_series(arm, "service_memory", arm.series["service_memory"].value + rise)

    assert "service_memory_growth" not in failed(judged(0, warming, 120))


def test_a_baseline_that_shrinks_is_no_reason_to_blame_the_canary() -> None:
    evidence = samples.pair(0, seconds=120)
    memory = evidence.baseline.series["service_memory"]
    shrinking = memory.value - 0.4e6 * np.arange(len(memory.value))
    baseline = samples.with_series(evidence.baseline, "service_memory", shrinking)
    verdict = judge(replace(evidence, baseline=baseline), RULES, POLICY)
    assert decisions(verdict)["service_memory_growth"] is not Decision.FAIL


@pytest.mark.parametrize(
    ("restarts", "decision"),
    [((), Decision.PASS), ((5,), Decision.INCONCLUSIVE), ((5, 11), Decision.FAIL)],
)
def test_one_restart_may_come_from_elsewhere_two_in_a_row_do_not(
    restarts: tuple[int, ...], decision: Decision
) -> None:
    def restarting(arm: Arm, rng: np.random.Generator) -> Arm:
        second = np.arange(len(arm.series["service_restarts"].t)) + 0 * rng.random()
        counter = np.sum([second >= at for at in restarts], axis=0) + 0.0 * second
        return samples.with_series(arm, "service_restarts", counter)

    found = row(judged(0, restarting, 60), "service_restarts")
    assert found.decision is decision
    if decision is Decision.INCONCLUSIVE:
        assert found.reason.endswith("so few may have come from elsewhere")


def test_a_difference_shown_to_be_within_the_margin_passes_however_sure_it_is() -> None:
    def a_little_more(arm: Arm, rng: np.random.Generator) -> Arm:
        return samples.with_series(arm, "service_cpu", 0.15 * (1.08 + 0.001 * rng.standard_normal(120)))

    evidence = samples.pair(0, a_little_more, seconds=120)
    steady = samples.with_series(evidence.baseline, "service_cpu", np.full(120, 0.15))
    found = row(judge(replace(evidence, baseline=steady), RULES, POLICY), "service_cpu")
    assert found.low is not None
    assert found.low > 0.07
    assert found.decision is Decision.PASS


def test_bodies_unlike_any_of_the_baselines_are_noted() -> None:
    evidence = samples.pair(2, seconds=60)

    def with_bodies(arm: Arm, body: int) -> Arm:
        return replace(arm, requests=replace(arm.requests, body=np.full(len(arm.requests), body)))

    same = Evidence(with_bodies(evidence.baseline, 7), with_bodies(evidence.canary, 7))
    other = Evidence(with_bodies(evidence.baseline, 7), with_bodies(evidence.canary, 8))
    assert judge(same, RULES, POLICY).notes == ()
    assert judge(other, RULES, POLICY).notes == (
        "The bodies of 3,000 of 3,000 good canary responses differ from all of the baseline's",
    )


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


def test_judging_is_pure() -> None:
    evidence = samples.pair(5, samples.slow)
    assert judge(evidence, RULES, POLICY) == judge(evidence, RULES, POLICY)
