"""The decision on a metric, in words."""

from __future__ import annotations

import tests.support.judge_samples as samples
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import judged, row


def test_a_metric_that_is_not_decided_says_what_it_would_take() -> None:
    slow = row(judged(0, samples.slow, 60), "latency_p50")
    assert slow.decision is Decision.INCONCLUSIVE
    assert slow.more_minutes is not None
    assert slow.reason.endswith(
        "neither shown to be within nor beyond the allowed 5 %: about 2 more minutes at this rate would tell"
    )
    assert row(judged(0, samples.slow, 120 + 60), "latency_p50").decision is Decision.FAIL
