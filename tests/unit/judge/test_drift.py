"""What the judge says where the machine itself may have changed between the two versions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.policy import Policy
from pipeline.judge.rules import default_rules
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import failed, row

RULES, POLICY = default_rules(), Policy()


def a_little_of_everything(arm: Arm, rng: np.random.Generator) -> Arm:
    """Each cost is up by less than its margin."""
    steady = 1 + 1e-4 * rng.random()
    arm = replace(arm, requests=replace(arm.requests, latency=arm.requests.latency * 1.04 * steady))
    for name, factor in (("service_cpu", 1.07), ("service_memory", 1.22), ("host_cpu", 1.18)):
        arm = samples.with_series(arm, name, arm.series[name].value * factor)
    return arm


def test_small_shifts_of_all_costs_together_fail_where_drift_cannot_be_the_cause() -> None:
    evidence = samples.pair(2, a_little_of_everything, seconds=180)
    phased = judge(evidence, RULES, POLICY)
    assert row(phased, "joint_shift").decision is Decision.NODATA
    assert "a drift between the two phases could be the cause" in row(phased, "joint_shift").reason
    assert "joint_shift" in failed(judge(samples.in_turn(evidence), RULES, POLICY))
    calibrated = judge(replace(evidence, drift={"joint_shift": 0.1}), RULES, POLICY)
    assert "joint_shift" in failed(calibrated)
    assert row(calibrated, "joint_shift").reason.startswith("4 costs together moved by 0.7")


def test_versions_measured_in_turn_do_not_take_the_machines_drift_for_a_difference() -> None:
    evidence = samples.pair(2, seconds=180)
    after_another = judge(samples.drifting(evidence, 0.10), RULES, POLICY)
    in_turn = judge(samples.drifting(samples.in_turn(evidence), 0.10), RULES, POLICY)
    assert failed(after_another) >= {"latency_p50"}
    assert in_turn.outcome is Outcome.PASSED


def test_a_fault_is_caught_in_turn_as_well() -> None:
    for change, metric in ((samples.slow, "latency_p50"), (samples.flaky, "error_rate")):
        verdict = judge(samples.in_turn(samples.pair(2, change, seconds=120)), RULES, POLICY)
        assert metric in failed(verdict)


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


def test_a_fail_that_drift_could_explain_says_how_large_a_drift() -> None:
    evidence = samples.pair(2, samples.slow, seconds=120)
    (note, *_) = judge(evidence, RULES, POLICY).notes
    assert "a machine that itself changed between the two phases (Latency, median by 1" in note
    assert judge(replace(evidence, drift={rule.name: 0.01 for rule in RULES}), RULES, POLICY).notes == ()
    assert judge(samples.in_turn(evidence), RULES, POLICY).notes == ()
