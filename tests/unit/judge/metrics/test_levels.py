"""Levels, compared block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.support.judge_samples as samples
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.judge.verdict import Decision
from tests.support.judge_samples import (
    HEALTHY,
    HEALTHY_SECONDS,
    POLICY,
    RULES,
    Change,
    judged,
    row,
)

Floats = NDArray[np.float64]


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


def cpu(value: Callable[[np.random.Generator, int], Floats], seconds: int = HEALTHY_SECONDS) -> Change:
    """A canary whose CPU is this in each second."""

    def change(arm: Arm, rng: np.random.Generator) -> Arm:
        return samples.with_series(arm, "service_cpu", value(rng, seconds))

    return change


def test_more_cpu_in_spikes_does_not_pass_as_less() -> None:
    """91 against 113 CPU seconds in five minutes, 24 % more: most blocks are cheaper, and the sum is what is paid."""

    def spikes(rng: np.random.Generator, seconds: int) -> Floats:
        spiky = 0.11 + 0.01 * rng.random(seconds)
        spiky[::33] += 2.2
        return spiky

    found = row(judged(0, cpu(spikes), HEALTHY_SECONDS), "service_cpu")
    assert found.decision is not Decision.PASS


def test_the_same_mean_with_six_times_the_scatter_fails_and_says_so() -> None:
    def restless(rng: np.random.Generator, seconds: int) -> Floats:
        return np.asarray(0.15 * (1 + 0.35 * rng.choice([-1.0, 1.0], seconds)))

    found = row(judged(0, cpu(restless), HEALTHY_SECONDS), "service_cpu")
    assert found.decision is Decision.FAIL
    assert found.reason.startswith("swings by 34.")
    assert "of the baseline's mean on the canary, by " in found.reason
    assert "shown to be more than the allowed 10 % of the baseline's mean" in found.reason
    assert (found.effect_kind, found.unit) == ("absolute", "cores")
    assert found.effect == pytest.approx((found.canary.value or 0) - (found.baseline.value or 0))


def test_a_change_that_scatters_a_little_more_passes() -> None:
    def noisy(rng: np.random.Generator, seconds: int) -> Floats:
        return np.asarray(0.15 * (1 + 0.05 * rng.standard_normal(seconds)))

    found = row(judged(0, cpu(noisy), HEALTHY_SECONDS), "service_cpu")
    assert found.decision is Decision.PASS
    assert found.effect_kind == "relative"


def test_a_harm_in_the_last_seventh_of_the_run_never_passes() -> None:
    def later(rng: np.random.Generator, seconds: int) -> Floats:
        return np.asarray(0.15 * (1 + 0.02 * rng.standard_normal(seconds) + 0.3 * (np.arange(seconds) > 154)))

    assert row(judged(0, cpu(later), HEALTHY_SECONDS), "service_cpu").decision is Decision.FAIL


def test_what_is_within_in_all_and_beyond_in_its_last_part_does_not_pass() -> None:
    def later(rng: np.random.Generator, seconds: int) -> Floats:
        return np.asarray(
            0.15 * (0.97 + 0.02 * rng.standard_normal(seconds) + 0.18 * (np.arange(seconds) > 156))
        )

    found = row(judged(0, cpu(later), HEALTHY_SECONDS), "service_cpu")
    assert found.decision is Decision.INCONCLUSIVE
    assert "but beyond it in the last 24 s alone" in found.reason


@pytest.mark.parametrize(("once", "decision"), [(True, Decision.INCONCLUSIVE), (False, Decision.FAIL)])
def test_a_harm_that_is_over_fails_only_a_run_that_is_watched(once: bool, decision: Decision) -> None:
    def first(rng: np.random.Generator, seconds: int) -> Floats:
        return np.asarray(0.15 * (1 + 0.05 * rng.standard_normal(seconds) + 1.5 * (np.arange(seconds) < 60)))

    evidence = replace(samples.pair(0, cpu(first), seconds=HEALTHY_SECONDS), once=once)
    rules = [rule for rule in RULES if rule.name == "service_cpu"]
    assert row(judge(evidence, rules, POLICY), "service_cpu").decision is decision


@pytest.mark.parametrize(("factor", "decision"), [(1.0, Decision.PASS), (1.4, Decision.FAIL)])
def test_thirty_points_judged_once_are_decided(factor: float, decision: Decision) -> None:
    def noisy(rng: np.random.Generator, seconds: int) -> Floats:
        return np.asarray(0.15 * factor * (1 + 0.05 * rng.standard_normal(seconds)))

    evidence = replace(samples.pair(0, cpu(noisy, 60), seconds=60), once=True)
    rules = [rule for rule in RULES if rule.name == "service_cpu"]
    assert row(judge(evidence, rules, POLICY), "service_cpu").decision is decision


def test_the_size_of_responses_is_their_mean() -> None:
    def larger(arm: Arm, rng: np.random.Generator) -> Arm:
        size = np.where(rng.random(len(arm.requests)) < 0.1, 54_750, arm.requests.size)
        return replace(arm, requests=replace(arm.requests, size=size))

    found = row(judged(0, larger, 120), "response_size")
    assert found.decision is Decision.FAIL
    assert found.canary.value == pytest.approx(5475 * 1.9, rel=0.05)


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


def test_at_once_what_grows_with_the_requests_is_compared_by_request() -> None:
    """Chance gives each version more or fewer requests a second, and its CPU follows: no difference of the versions."""
    rng = np.random.default_rng(11)
    start, seconds, rate = 10.0, 120, 50
    t = start + np.arange(seconds * rate) / rate
    to_canary = rng.random(len(t)) < 0.5

    def arm(own: NDArray[np.bool_], cores: float) -> Arm:
        due = t[own]
        count = np.bincount((due - start).astype(np.int64), minlength=seconds)
        n = len(due)
        requests = Requests(
            due, 0.01 * rng.lognormal(0, 0.2, n), np.full(n, 200), np.ones(n, dtype=np.int64), np.full(n, 500)
        )
        cpu = np.asarray(
            cores * count / (rate / 2) * (1 + 0.01 * rng.standard_normal(seconds)), dtype=np.float64
        )
        second = start + 0.5 + np.arange(seconds, dtype=np.float64)
        return Arm(requests, {"service_cpu": Series(second, cpu)}, 120.0, (start,))

    rules = [rule for rule in RULES if rule.name == "service_cpu"]
    baseline = arm(~to_canary, 0.2)
    same, more = (
        row(judge(Evidence(baseline, arm(to_canary, cores), pairing="time"), rules, POLICY), "service_cpu")
        for cores in (0.2, 0.23)
    )
    assert (same.decision, more.decision) == (Decision.PASS, Decision.FAIL)
    assert same.effect == pytest.approx(0, abs=0.01)
    assert more.effect == pytest.approx(0.15, abs=0.01)
