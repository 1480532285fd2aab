"""Trends of memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import POLICY, RULES, decisions, failed, judged, row


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


def test_a_leak_under_the_saw_tooth_of_a_garbage_collector_is_found() -> None:
    """Up 20 MB and back every 40 s in both versions, and 30 MB a minute more that never come back in one."""

    def sawing(arm: Arm, phase: float, leaked: float) -> Arm:
        memory = arm.series["service_memory"]
        age = memory.t - memory.t[0]
        saw = 20e6 * ((age / 40 + phase) % 1) + leaked * age / 60
        return samples.with_series(arm, "service_memory", 70e6 + saw)

    evidence = samples.pair(0, seconds=300)
    rules = [rule for rule in RULES if rule.name == "service_memory_growth"]
    found = {}
    for leaked in (0.0, 30e6):
        pair = replace(
            evidence,
            baseline=sawing(evidence.baseline, 0.2, 0.0),
            canary=sawing(evidence.canary, 0.7, leaked),
        )
        found[leaked] = row(judge(pair, rules, POLICY), "service_memory_growth")
    assert found[0.0].decision is not Decision.FAIL
    assert found[30e6].decision is Decision.FAIL
    assert found[30e6].reason.startswith("its troughs: ")
