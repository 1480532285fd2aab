"""The decision on a metric, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.judge.evidence import Arm
from pipeline.judge.metrics.decision import decide_metric
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm
from pipeline.judge.rules import default_rules
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


def test_a_metric_failed_when_the_first_of_its_respects_did_not_when_the_one_that_is_reported_did() -> None:
    first = Harm(
        NOTHING,
        NOTHING,
        relative=True,
        effect=0.4,
        low=0.3,
        high=0.5,
        margin=0.25,
        bar=0.25,
        late=None,
        effective=50.0,
        after=3.0,
        more=None,
        said="slower",
        allowed="25 %",
    )
    surest, undecided = replace(first, low=0.35, after=20.0), replace(first, low=0.1, after=None)
    rule = next(rule for rule in default_rules() if rule.name == "latency_quantiles")
    said = decide_metric(rule, Finding(harms=(undecided, surest, first)))
    assert said.low == surest.low
    assert said.decided_after == first.after
