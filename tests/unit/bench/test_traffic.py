"""The simulated runs of bench/judge: repeatable, and with the machine and the harm that they are described to have."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge.harm import Harm, Spikes
from bench.judge.machine import Machine
from bench.judge.traffic import MEDIAN, RATE, SCHEDULES, Condition, run
from pipeline.judge.evidence import Arm

SHORT = 60  # seconds
LONG = 3000  # seconds: enough for a share or a quantile to be seen
BAD = Harm(latency=1.5, errors=0.1, series={"service_cpu": 1.5})
QUIET = Machine(errors=0.0)


def canary_of(harm: Harm, machine: Machine = QUIET, seconds: int = LONG) -> tuple[Arm, Arm]:
    """Both arms, the baseline first, of a long run."""
    evidence = run(Condition("x", machine=machine, seconds=seconds, harm=harm), 1, 0)
    return evidence.baseline, evidence.canary


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_is_the_same_for_the_same_seed_and_number_and_another_for_another(schedule: str) -> None:
    condition = Condition("x", schedule, Machine(phi=0.3), seconds=SHORT)
    first, again, other = run(condition, 1, 0), run(condition, 1, 0), run(condition, 1, 1)
    assert np.array_equal(first.canary.requests.latency, again.canary.requests.latency)
    assert not np.array_equal(first.canary.requests.latency[:1000], other.canary.requests.latency[:1000])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_harm_leaves_the_machine_and_the_baseline_as_they_were(schedule: str) -> None:
    good, bad = (run(Condition("x", schedule, seconds=SHORT, harm=harm), 1, 0) for harm in (Harm(), BAD))
    assert np.array_equal(good.baseline.requests.latency, bad.baseline.requests.latency)
    assert np.array_equal(good.canary.requests.t, bad.canary.requests.t)
    answered = bad.canary.requests.status == 200
    ratio = bad.canary.requests.latency[answered] / good.canary.requests.latency[answered]
    assert np.allclose(ratio, 1.5)


@pytest.mark.parametrize("schedule", ["phased", "interleaved"])
def test_one_after_the_other_both_arms_are_measured_equally_long_and_never_at_once(schedule: str) -> None:
    evidence = run(Condition("x", schedule, seconds=SHORT), 1, 0)
    assert len(evidence.baseline.requests) == len(evidence.canary.requests) == SHORT * RATE
    assert not set(np.floor(evidence.baseline.requests.t)) & set(np.floor(evidence.canary.requests.t))


def test_both_at_once_each_request_goes_to_one_of_them_and_the_run_takes_as_long_in_all() -> None:
    condition = Condition("x", "concurrent", seconds=SHORT)
    evidence = run(condition, 1, 0)
    baseline, canary = evidence.baseline.requests.t, evidence.canary.requests.t
    assert evidence.pairing == "time"
    assert evidence.baseline.seconds == evidence.canary.seconds == condition.measured == 2 * SHORT
    assert np.allclose(np.sort(np.concatenate((baseline, canary))), np.arange(2 * SHORT * RATE) / RATE)
    assert len(canary) == pytest.approx(SHORT * RATE, rel=0.05)
    assert len(canary) != len(baseline)


def test_both_at_once_an_arm_s_cpu_goes_with_the_requests_that_it_got() -> None:
    evidence = run(Condition("x", "concurrent", seconds=LONG), 1, 0)
    for arm in (evidence.baseline, evidence.canary):
        got = np.bincount(arm.requests.t.astype(np.int64))
        assert np.corrcoef(got, arm.series["service_cpu"].value)[0, 1] > 0.8


def test_harm_is_the_canary_s_alone_and_as_large_as_named() -> None:
    harm = Harm(latency=1.2, errors=0.05, wrong=0.02, leak=60e6, series={"service_cpu": 2.0})
    evidence = run(Condition("x", machine=QUIET, harm=harm), 1, 0)
    baseline, canary = evidence.baseline, evidence.canary
    good = canary.requests.status == 200
    assert np.median(baseline.requests.latency) == pytest.approx(MEDIAN, rel=0.02)
    assert np.median(canary.requests.latency[good]) == pytest.approx(1.2 * MEDIAN, rel=0.02)
    assert (np.mean(baseline.requests.status != 200), np.mean(baseline.requests.body_ok == 0)) == (0, 0)
    assert np.mean(~good) == pytest.approx(0.05, abs=0.01)
    assert np.mean(canary.requests.body_ok == 0) == pytest.approx(0.02, abs=0.01)
    ratio = canary.series["service_cpu"].value.mean() / baseline.series["service_cpu"].value.mean()
    assert ratio == pytest.approx(2, rel=0.05)
    assert np.polyfit(canary.series["service_memory"].t, canary.series["service_memory"].value, 1)[
        0
    ] * 60 == (pytest.approx(60e6, rel=0.02))


def test_drift_falls_on_the_phase_that_comes_later_and_else_on_both_alike() -> None:
    def apart(schedule: str) -> float:
        evidence = run(Condition("x", schedule, Machine(drift=0.1, errors=0.0)), 1, 0)
        return float(
            np.median(evidence.canary.requests.latency) / np.median(evidence.baseline.requests.latency)
        )

    assert apart("phased") == pytest.approx(1.1, abs=0.02)
    assert apart("interleaved") == pytest.approx(1.0, abs=0.02)
    assert apart("concurrent") == pytest.approx(1.0, abs=0.02)


def test_moods_are_correlated_as_named() -> None:
    _, canary = canary_of(Harm(), Machine(phi=0.9))
    value = canary.series["host_cpu"].value
    assert np.corrcoef(value[1:], value[:-1])[0, 1] == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("own", [0.0, 0.5, 1.0])
def test_of_two_arms_at_once_moods_are_shared_but_for_each_host_s_own_part(own: float) -> None:
    machine = Machine(phi=0.3, mood=0.3, own=own, errors=0.0)
    evidence = run(Condition("x", "concurrent", machine, seconds=LONG), 1, 0)
    moods = [
        np.bincount(arm.requests.t.astype(np.int64), np.log(arm.requests.latency), 2 * LONG)
        / np.bincount(arm.requests.t.astype(np.int64), minlength=2 * LONG)
        for arm in (evidence.baseline, evidence.canary)
    ]
    assert np.corrcoef(moods[0], moods[1])[0, 1] == pytest.approx(0.96 * (1 - own), abs=0.06)


def test_a_job_slows_everything_for_5_s_of_every_minute() -> None:
    _, canary = canary_of(Harm(), Machine(job=True, errors=0.0))
    latency = canary.requests.latency.reshape(-1, RATE).mean(axis=1)
    slow = latency > 1.25 * np.median(latency)
    assert slow.sum() == LONG * 5 / 60
    assert latency[slow].mean() == pytest.approx(1.5 * latency[~slow].mean(), rel=0.02)


def test_what_is_due_while_a_version_stands_still_waits_for_its_end() -> None:
    _, canary = canary_of(Harm(stall=(1.0, 80)))
    latency = canary.requests.latency
    assert np.mean(latency > 0.1) == pytest.approx(0.9 / 80, rel=0.1)
    assert latency.max() == pytest.approx(1.0, abs=0.1)


def test_pauses_are_each_host_s_own() -> None:
    machine = Machine(pauses=True, errors=0.0)
    evidence = run(Condition("x", "concurrent", machine, seconds=LONG), 1, 0)
    waiting = [
        set(np.floor(arm.requests.t[arm.requests.latency > 0.1]))
        for arm in (evidence.baseline, evidence.canary)
    ]
    seconds, shared = 2 * LONG, len(waiting[0] & waiting[1])
    assert [len(one) for one in waiting] == pytest.approx([seconds / 12.85 * 1.2] * 2, rel=0.2)
    assert shared < 2 * len(waiting[0]) * len(waiting[1]) / seconds


def test_outages_take_the_share_of_the_time_that_is_named() -> None:
    _, canary = canary_of(Harm(), Machine(outages=0.01, errors=0.0), 10 * LONG)
    failed = canary.requests.status != 200
    assert failed.mean() == pytest.approx(0.01, rel=0.2)
    begun = np.count_nonzero(np.diff(failed.astype(int)) == 1)
    assert failed.sum() / begun == pytest.approx(2 * RATE, rel=0.05)


def test_a_law_scaled_beyond_a_latency_has_its_quantiles_there_exactly_as_many_times_as_high() -> None:
    baseline, canary = canary_of(
        Harm(beyond=(MEDIAN * np.exp(0.3 * 1.88), 1.5)), Machine(phi=0.9, errors=0.0)
    )
    ratio = [
        np.quantile(canary.requests.latency, q) / np.quantile(baseline.requests.latency, q)
        for q in (0.9, 0.99)
    ]
    assert ratio == pytest.approx([1.0, 1.5], rel=0.03)


@pytest.mark.parametrize("times", [2, 6])
def test_more_scatter_has_the_same_mean_and_so_many_times_the_deviation(times: float) -> None:
    harm = Harm(scatter={"latency": times, "service_cpu": times})
    baseline, canary = canary_of(harm, seconds=5 * LONG)
    for before, after in (
        (baseline.requests.latency, canary.requests.latency),
        (baseline.series["service_cpu"].value, canary.series["service_cpu"].value),
    ):
        assert after.mean() == pytest.approx(before.mean(), rel=0.02)
        assert after.std() == pytest.approx(times * before.std(), rel=0.15)


def test_spikes_cost_a_quarter_more_in_all_and_less_in_the_geometric_mean() -> None:
    harm = Harm(spikes=Spikes(share=0.05, between=0.75, factor=10.55))
    baseline, canary = canary_of(harm, seconds=5 * LONG)
    before, after = baseline.series["service_cpu"].value, canary.series["service_cpu"].value
    assert after.mean() == pytest.approx(1.24 * before.mean(), rel=0.05)
    assert np.log(after).mean() < np.log(0.9 * before).mean()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_harm_during_a_part_of_the_run_is_in_that_part_of_the_canary_s_time_alone(schedule: str) -> None:
    condition = Condition("x", schedule, QUIET, harm=Harm(latency=3.0, during=(0.85, 1)))
    latency = run(condition, 1, 0).canary.requests.latency
    edge = round(0.85 * len(latency))
    assert np.median(latency[: edge - 100]) == pytest.approx(MEDIAN, rel=0.03)
    assert np.median(latency[edge + 100 :]) == pytest.approx(3 * MEDIAN, rel=0.03)
