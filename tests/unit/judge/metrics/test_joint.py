"""All costs taken together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import POLICY, RULES, failed, row


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
    assert "a drift between the two measurements could be the cause" in row(phased, "joint_shift").reason
    assert "joint_shift" in failed(judge(samples.in_turn(evidence), RULES, POLICY))
    calibrated = judge(replace(evidence, drift={"joint_shift": 0.1}), RULES, POLICY)
    assert "joint_shift" in failed(calibrated)
    assert row(calibrated, "joint_shift").reason.startswith("4 costs together moved by 0.7")
