"""The decision on a metric, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.judge.evidence import Arm
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import judged, row


def a_little_slower(arm: Arm, _: np.random.Generator) -> Arm:
    return replace(arm, requests=replace(arm.requests, latency=1.12 * arm.requests.latency))


def test_a_metric_that_is_not_decided_says_what_it_would_take() -> None:
    slow = row(judged(0, a_little_slower, 30), "latency_p50")
    assert slow.decision is Decision.INCONCLUSIVE
    assert slow.more_minutes is not None
    assert slow.reason.endswith(
        "neither shown to be within nor beyond the allowed 5 %: less than a minute at this rate would tell"
    )
    assert row(judged(0, a_little_slower, 60), "latency_p50").decision is Decision.FAIL
