"""What a metric's chart is drawn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tests.support.report_samples as samples
from pipeline.judge.evidence import Arm, Evidence, Requests
from pipeline.report.charts import answered_well, chart


def arm(latency: float) -> Arm:
    """A request of each name every second: `slow` takes five times as long."""
    n = 40
    name = np.array(["quick", "slow"])[np.arange(n) % 2]
    whole = np.full(n, 200, dtype=np.int64)
    times = np.where(name == "slow", 5 * latency, latency)
    return Arm(
        Requests(np.arange(n) / 2, times, whole, np.ones(n, dtype=np.int64), whole, request=name), {}, 20.0
    )


def test_the_chart_of_one_request_of_a_mix_is_of_that_request_alone() -> None:
    mixed = Evidence(arm(0.01), arm(0.02))
    metric = samples.metric(name="latency_p50[slow]", title="Latency, median of slow", unit="s")
    slow = [replace(one, requests=one.requests.named("slow")) for one in (mixed.baseline, mixed.canary)]
    alone = Evidence(slow[0], slow[1])

    drawn = chart(replace(metric, request="slow"), mixed, ())

    assert drawn is not None
    assert drawn == chart(replace(metric, name="latency_p50"), alone, ())
    assert drawn != chart(replace(metric, name="latency_p50"), mixed, ())


def test_of_a_mix_each_request_says_which_of_its_statuses_are_right() -> None:
    requests = replace(arm(0.01).requests, expected=np.arange(40) % 2 == 0)
    assert answered_well(requests, (201,)).tolist() == [True, False] * 20
