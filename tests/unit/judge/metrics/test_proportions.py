"""Proportions of requests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import HEALTHY, POLICY, RULES, judged, row


def test_two_percent_errors_against_none_read_in_plain_words() -> None:
    verdict = judged(3, samples.flaky, 60)
    assert verdict.reasons[0] == (
        "Errors: 56 of 3,000 (1.87 %) requests failed on the canary, 0 of 3,000 on the baseline "
        "(between 1 point and 2.9 points more); shown to be worse than the baseline, "
        "and by more than the allowed 0.3 points"
    )
    assert verdict.notes == ("Status 500 on 56 of 3,000 (1.87 %) canary requests, never on the baseline",)


def test_bodies_that_nobody_checked_leave_a_critical_metric_open() -> None:
    def unchecked(arm: Arm) -> Arm:
        return replace(arm, requests=replace(arm.requests, body_ok=np.full_like(arm.requests.body_ok, -1)))

    verdict = judge(Evidence(unchecked(HEALTHY.baseline), unchecked(HEALTHY.canary)), RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert row(verdict, "wrong_body_rate").decision is Decision.NODATA
