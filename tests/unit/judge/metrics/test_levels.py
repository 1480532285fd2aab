"""Levels and quantiles, compared block by block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import (
    HEALTHY,
    HEALTHY_SECONDS,
    POLICY,
    RULES,
    decisions,
    failed,
    judged,
    row,
)


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


def test_a_difference_shown_to_be_within_the_margin_passes_however_sure_it_is() -> None:
    def a_little_more(arm: Arm, rng: np.random.Generator) -> Arm:
        return samples.with_series(arm, "service_cpu", 0.15 * (1.08 + 0.001 * rng.standard_normal(120)))

    evidence = samples.pair(0, a_little_more, seconds=120)
    steady = samples.with_series(evidence.baseline, "service_cpu", np.full(120, 0.15))
    found = row(judge(replace(evidence, baseline=steady), RULES, POLICY), "service_cpu")
    assert found.low is not None
    assert found.low > 0.07
    assert found.decision is Decision.PASS


def test_versions_measured_in_turn_do_not_take_the_machines_drift_for_a_difference() -> None:
    evidence = samples.pair(2, seconds=180)
    after_another = judge(samples.drifting(evidence, 0.10), RULES, POLICY)
    in_turn = judge(samples.drifting(samples.in_turn(evidence), 0.10), RULES, POLICY)
    assert failed(after_another) >= {"latency_p50"}
    assert in_turn.outcome is Outcome.PASSED


@pytest.mark.parametrize(("drift", "decision"), [(0.10, Decision.FAIL), (0.25, Decision.INCONCLUSIVE)])
def test_a_calibrated_drift_asks_more_of_a_fail_and_makes_no_pass_easier(
    drift: float, decision: Decision
) -> None:
    evidence = samples.pair(0, samples.slow, seconds=180)
    plain = row(judge(evidence, RULES, POLICY), "latency_p50")
    found = row(judge(replace(evidence, drift={"latency_p50": drift}), RULES, POLICY), "latency_p50")
    assert found.decision is decision
    assert (found.drift, found.threshold, found.high) == (drift, plain.threshold, plain.high)
    assert (
        f"equal versions differed{' by up to' if decision is Decision.INCONCLUSIVE else ''}" in found.reason
    )


def test_holes_of_single_samples_are_bridged() -> None:
    holes = np.where(np.arange(HEALTHY_SECONDS) % 7 == 3, np.nan, HEALTHY.canary.series["service_cpu"].value)
    evidence = replace(HEALTHY, canary=samples.with_series(HEALTHY.canary, "service_cpu", holes))
    assert row(judge(evidence, RULES, POLICY), "service_cpu").decision is Decision.PASS


def test_a_constant_series_is_compared_by_its_value() -> None:
    def with_threads(arm: Arm, count: float) -> Arm:
        return samples.with_series(arm, "service_threads", np.full(HEALTHY_SECONDS, count))

    same = judge(HEALTHY, RULES, POLICY)
    more = judge(replace(HEALTHY, canary=with_threads(HEALTHY.canary, 40)), RULES, POLICY)
    assert row(same, "service_threads").decision is Decision.PASS
    assert row(more, "service_threads").decision is Decision.FAIL
