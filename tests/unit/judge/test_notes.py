"""What is noted beside the verdict and decides nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence
from tests.support.judge_samples import POLICY, RULES


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


def test_a_fail_that_drift_could_explain_says_how_large_a_drift() -> None:
    evidence = samples.pair(2, samples.slow, seconds=120)
    (note, *_) = judge(evidence, RULES, POLICY).notes
    assert "a machine that itself changed between the two phases (Latency, median by 1" in note
    assert judge(replace(evidence, drift={rule.name: 0.01 for rule in RULES}), RULES, POLICY).notes == ()
    assert judge(samples.in_turn(evidence), RULES, POLICY).notes == ()
