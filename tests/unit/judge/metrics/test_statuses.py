"""Statuses that the baseline never gave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.judge.evidence import Arm
from tests.support.judge_samples import failed, judged, row


def test_a_status_the_baseline_never_gave_fails_though_it_is_no_error() -> None:
    def created(arm: Arm, rng: np.random.Generator) -> Arm:
        status = np.where(rng.random(len(arm.requests)) < 0.03, 202, arm.requests.status)
        return replace(arm, requests=replace(arm.requests, status=status))

    verdict = judged(0, created, 120)
    assert failed(verdict) == {"new_statuses"}
    assert "(202)" in row(verdict, "new_statuses").reason
