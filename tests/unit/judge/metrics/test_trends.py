"""Trends of memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import POLICY, RULES, decisions, failed, judged


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
