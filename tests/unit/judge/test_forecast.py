"""How long the same code must be measured to pass, told from the baseline alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm
from pipeline.judge.forecast import Need, errors_in_words, forecast, forecast_errors, in_words
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import POLICY, RULES, row


def flaky(arm: Arm, share: float, seed: int = 5) -> Arm:
    return samples.failing(arm, np.random.default_rng(seed).random(len(arm.requests)) < share, 500)


def needs(arm: Arm, share: float = 1.0) -> dict[str, Need]:
    return {need.name: need for need in forecast(arm, RULES, POLICY, share=share)}


def seconds_of(need: Need) -> float:
    assert need.seconds is not None
    return need.seconds


def test_more_errors_need_a_longer_run() -> None:
    calm = samples.arm(3, seconds=60)
    each = [seconds_of(needs(flaky(calm, share))["error_rate"]) for share in (0.0, 0.003, 0.01)]
    assert each == sorted(each)
    assert each[0] <= 60 < each[2]


def test_half_the_requests_need_a_longer_run() -> None:
    arm = flaky(samples.arm(4, seconds=60), 0.004)
    assert seconds_of(needs(arm, 0.5)["error_rate"]) > seconds_of(needs(arm)["error_rate"])


def test_what_is_foretold_comes_true() -> None:
    """Of runs as long as was said for a service with errors, about nine of ten pass in that metric."""
    share, passed, runs = 0.004, 0, 20
    pilot = flaky(samples.arm(6, seconds=60), share)
    seconds = int(seconds_of(needs(pilot)["error_rate"]))
    assert 60 < seconds < 600
    rules = [rule for rule in RULES if rule.name == "error_rate"]
    for seed in range(runs):
        calm = samples.pair(seed, seconds=seconds)
        both = replace(
            calm,
            baseline=flaky(calm.baseline, share, 2 * seed),
            canary=flaky(calm.canary, share, 2 * seed + 1),
        )
        passed += row(judge(both, rules, POLICY), "error_rate").decision is Decision.PASS
    assert passed >= 0.75 * runs


def test_a_baseline_of_a_few_seconds_tells_nothing() -> None:
    assert forecast(samples.arm(7, seconds=4), RULES, POLICY) == ()
    assert in_words((), 60) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (540.0, "2 minutes cannot show Errors to be within 0.3 points (9 minutes can)"),
        (None, "2 minutes cannot show Errors to be within 0.3 points (an hour cannot either)"),
        (90.0, "the same code can pass in 2 minutes"),
    ],
)
def test_it_is_said_what_a_run_cannot_show_and_what_would(seconds: float | None, words: str) -> None:
    assert in_words([Need("error_rate", "Errors", seconds, "0.3 points")], 120) == words


def test_the_more_requests_the_more_errors_may_both_versions_have() -> None:
    each = [forecast_errors(RULES, POLICY, seconds=s, rate=50, together=False) for s in (60, 120, 300)]
    tolerated = [one.tolerated for one in each if one is not None and one.tolerated is not None]
    assert tolerated == sorted(tolerated)
    assert len(set(tolerated)) == 3


def test_too_few_requests_cannot_show_a_margin_even_without_errors() -> None:
    found = forecast_errors(RULES, POLICY, seconds=20, rate=50, together=False)
    assert found is not None
    assert found.shortest is not None
    assert found.shortest > 20
    assert errors_in_words(found, 20).startswith("in 20 s nothing can pass: ")


def test_without_a_metric_of_shares_there_is_nothing_to_say() -> None:
    rules = [rule for rule in RULES if rule.name == "latency_p50"]
    assert forecast_errors(rules, POLICY, seconds=60, rate=50, together=False) is None
