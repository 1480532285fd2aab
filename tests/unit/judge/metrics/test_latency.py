"""Latency: pooled quantiles, decided by the share of slower requests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import POLICY, RULES, decisions, failed, judged, row


@pytest.mark.parametrize(("name", "quantile"), [("latency_p50", 0.5), ("latency_p99", 0.99)])
def test_the_table_shows_the_quantiles_of_all_requests_and_their_ratio(name: str, quantile: float) -> None:
    evidence = samples.pair(4, samples.slow, seconds=90)
    before, after = (
        float(np.quantile(arm.requests.latency, quantile)) for arm in (evidence.baseline, evidence.canary)
    )
    found = row(judge(evidence, RULES, POLICY), name)
    assert (found.baseline.value, found.canary.value) == pytest.approx((before, after))
    assert found.effect == pytest.approx(after / before - 1)


@pytest.mark.parametrize(("factor", "within"), [(2.0, 2), (1.5, 5), (1.2, 30)])
def test_the_slower_the_canary_the_sooner_it_fails(factor: float, within: float) -> None:
    def slower(arm: Arm, _: np.random.Generator) -> Arm:
        return replace(arm, requests=replace(arm.requests, latency=factor * arm.requests.latency))

    seconds = [row(judged(seed, slower, 60), "latency_p50").decided_after for seed in range(5)]
    assert np.median([60.0 if one is None else one for one in seconds]) <= within


def test_a_pause_once_a_minute_does_not_pass() -> None:
    """For a second each minute nothing is answered: 1 % of the requests, and no block's median says so."""

    def pausing(arm: Arm, rng: np.random.Generator) -> Arm:
        r = arm.requests
        age = (r.t - arm.phase_starts[0] + rng.uniform(0, 30)) % 60
        waits = np.where(age < 1, 1 - age, 0)
        return replace(arm, requests=replace(r, latency=r.latency + waits))

    verdict = judged(0, pausing, 300)
    assert verdict.outcome is not Outcome.PASSED
    assert row(verdict, "slow_requests").decision is not Decision.PASS
    p99 = row(verdict, "latency_p99")
    assert p99.effect is not None
    assert p99.effect > 0.5


def test_few_requests_that_take_very_long_do_not_pass() -> None:
    def rare(arm: Arm, rng: np.random.Generator) -> Arm:
        r = arm.requests
        return replace(
            arm, requests=replace(r, latency=r.latency * np.where(rng.random(len(r)) < 0.005, 20, 1))
        )

    for seed in range(3):
        verdict = judged(seed, rare, 120)
        assert verdict.outcome is not Outcome.PASSED
        assert row(verdict, "slow_requests").decision is not Decision.PASS


def test_a_tail_is_seen_while_the_median_is_unmoved() -> None:
    found = decisions(judged(0, samples.tail, 120))
    assert (found["latency_p50"], found["slow_requests"]) == (Decision.PASS, Decision.FAIL)
    assert found["latency_p99"] is not Decision.PASS


def test_a_wider_spread_is_seen_though_the_median_stays() -> None:
    def wider(arm: Arm, rng: np.random.Generator) -> Arm:
        latency = arm.requests.latency * rng.lognormal(0, 0.6, len(arm.requests))
        return replace(arm, requests=replace(arm.requests, latency=latency))

    verdict = judged(0, wider, 120)
    assert failed(verdict) >= {"latency_quantiles"}
    assert row(verdict, "latency_quantiles").reason.startswith(("p75: ", "p90: "))
    assert "latency_p50" not in failed(verdict)


def test_a_step_late_in_the_run_is_seen() -> None:
    def later(arm: Arm, rng: np.random.Generator) -> Arm:
        step = 1 + 0.3 * (arm.requests.t > arm.phase_starts[0] + 150) + 0.01 * rng.random()
        return replace(arm, requests=replace(arm.requests, latency=arm.requests.latency * step))

    found = row(judged(0, later, 240), "latency_p50")
    assert found.decision is Decision.FAIL
    assert found.decided_after is not None
    assert found.decided_after > 150


def test_versions_measured_in_turn_do_not_take_the_machines_drift_for_a_difference() -> None:
    evidence = samples.pair(2, seconds=180)
    after_another = judge(samples.drifting(evidence, 0.06), RULES, POLICY)
    in_turn = judge(samples.drifting(samples.in_turn(evidence), 0.06), RULES, POLICY)
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
