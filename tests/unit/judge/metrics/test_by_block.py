"""What is compared block by block needs enough blocks, and a complete run for its narrow bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Series
from pipeline.judge.verdict import Decision, Outcome
from tests.support.judge_samples import HEALTHY, HEALTHY_SECONDS, POLICY, RULES, row


def only(arm: Arm, name: str, kept: NDArray[np.bool_]) -> Arm:
    """The arm with only these samples of one series."""
    series = arm.series[name]
    return replace(arm, series={**arm.series, name: Series(series.t[kept], series.value[kept])})


@pytest.mark.parametrize("name", ["service_cpu", "service_memory", "service_restarts"])
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nothing but NaN", "no data from the canary"),
        ("nothing but infinity", "no data from the canary"),
        ("one sample", ""),
        ("the first ten seconds", "no samples of the canary for 170 s of its 180 s (from 10 s to 180 s)"),
        ("the first third", "no samples of the canary for 120 s of its 180 s (from 60 s to 180 s)"),
    ],
)
def test_a_series_that_is_not_there_or_ends_early_never_passes(name: str, what: str, words: str) -> None:
    second = np.arange(HEALTHY_SECONDS)
    canary = {
        "nothing but NaN": samples.with_series(HEALTHY.canary, name, np.full(HEALTHY_SECONDS, np.nan)),
        "nothing but infinity": samples.with_series(HEALTHY.canary, name, np.full(HEALTHY_SECONDS, np.inf)),
        "one sample": only(HEALTHY.canary, name, second == 90),
        "the first ten seconds": only(HEALTHY.canary, name, second < 10),
        "the first third": only(HEALTHY.canary, name, second < HEALTHY_SECONDS // 3),
    }[what]
    verdict = judge(replace(HEALTHY, canary=canary), RULES, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    found = row(verdict, name)
    assert found.decision is Decision.INCONCLUSIVE
    assert words in found.reason


def test_samples_that_all_bear_one_time_are_one_block_and_decide_nothing() -> None:
    r = HEALTHY.canary.requests
    stuck = replace(HEALTHY.canary, requests=replace(r, t=np.full(len(r), r.t[0])))
    verdict = judge(replace(HEALTHY, canary=stuck), RULES, POLICY)
    assert verdict.outcome is not Outcome.PASSED
    assert row(verdict, "latency_p50").reason.startswith("no samples of the canary for 178 s of its 180 s")


def test_growth_from_zero_is_judged_by_amount_not_by_percent() -> None:
    def with_cpu(arm: Arm, cores: float) -> Arm:
        t = arm.series["service_cpu"].t
        return replace(arm, series={**arm.series, "service_cpu": Series(t, np.full(HEALTHY_SECONDS, cores))})

    verdict = judge(Evidence(with_cpu(HEALTHY.baseline, 0.0), with_cpu(HEALTHY.canary, 0.005)), RULES, POLICY)
    assert row(verdict, "service_cpu").effect_kind == "absolute"
    assert row(verdict, "service_cpu").decision is Decision.PASS
