"""Levels, compared block by block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import (
    HEALTHY,
    HEALTHY_SECONDS,
    POLICY,
    RULES,
    judged,
    row,
)


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
