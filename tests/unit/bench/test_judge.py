"""The simulations of bench/judge: repeatable, as described, and their short cuts exact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.judge import peers
from bench.judge.conditions import ALIKE, AT_THE_MARGIN, EQUAL_ERRORS, HARMS
from bench.judge.ours import at_the_end, every_look, rules, until
from bench.judge.screening import alarms
from bench.judge.tables import interval
from bench.judge.traffic import MEDIAN, RATE, Condition, Harm, run, runs
from bench.judge.wald import sample_bound
from pipeline.judge.policy import Policy
from pipeline.kayenta.classify import Label, classify
from pipeline.kayenta.mannwhitney import wilcoxon_difference

SHORT = 60  # seconds: enough for every kind of metric to be bounded
BAD = Harm(latency=1.5, errors=0.1, series={"service_cpu": 1.5})


@pytest.mark.parametrize("schedule", ["phased", "interleaved"])
def test_a_run_is_the_same_for_the_same_seed_and_number_and_another_for_another(schedule: str) -> None:
    condition = Condition("x", schedule, phi=0.3, seconds=SHORT)
    first, again, other = run(condition, 1, 0), run(condition, 1, 0), run(condition, 1, 1)
    assert np.array_equal(first.canary.requests.latency, again.canary.requests.latency)
    assert not np.array_equal(first.canary.requests.latency, other.canary.requests.latency)


@pytest.mark.parametrize("schedule", ["phased", "interleaved"])
def test_both_arms_are_measured_equally_long_and_never_at_once(schedule: str) -> None:
    evidence = run(Condition("x", schedule, seconds=SHORT), 1, 0)
    assert len(evidence.baseline.requests) == len(evidence.canary.requests) == SHORT * RATE
    assert not set(np.floor(evidence.baseline.requests.t)) & set(np.floor(evidence.canary.requests.t))


def test_harm_is_the_canary_s_alone_and_as_large_as_named() -> None:
    harm = Harm(latency=1.2, errors=0.05, wrong=0.02, leak=60e6, series={"service_cpu": 2.0})
    evidence = run(Condition("x", errors=0.0, harm=harm), 1, 0)
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


def test_drift_falls_on_the_phase_that_comes_later_and_on_slices_in_turn_alike() -> None:
    def apart(schedule: str) -> float:
        evidence = run(Condition("x", schedule, drift=0.1, errors=0.0), 1, 0)
        return float(
            np.median(evidence.canary.requests.latency) / np.median(evidence.baseline.requests.latency)
        )

    assert apart("phased") == pytest.approx(1.1, abs=0.02)
    assert apart("interleaved") == pytest.approx(1.0, abs=0.02)


def test_moods_are_correlated_as_named() -> None:
    value = run(Condition("x", phi=0.9, seconds=3000), 1, 0).canary.series["host_cpu"].value
    assert np.corrcoef(value[1:], value[:-1])[0, 1] == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("schedule", ["phased", "interleaved"])
@pytest.mark.parametrize("metric", ["latency_p50", "errors", "service_fds"])
def test_the_ranks_of_all_looks_are_kayenta_s_own_statistic_at_each(schedule: str, metric: str) -> None:
    one = peers.seconds_of(run(Condition("x", schedule, seconds=SHORT, errors=0.05), 1, 0))[metric]
    for second in (10, 31, SHORT):
        exact = wilcoxon_difference(0.0, 0.0, one.canary[:second], one.baseline[: one.seen[second - 1]])
        assert one.score[second - 1] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("sized", [True, False])
def test_kayenta_s_first_high_is_that_of_its_rules_at_every_look(sized: bool) -> None:
    condition = Condition("x", "interleaved", phi=0.6, seconds=SHORT, harm=Harm(latency=1.06))
    metrics = peers.seconds_of(run(condition, 3, 0))

    def high(second: int) -> bool:
        return any(
            classify(
                one.baseline[: one.seen[second - 1]], one.canary[:second], peers.analysis(name, sized=sized)
            ).label
            is Label.HIGH
            for name, one in metrics.items()
        )

    looked = next((second for second in range(peers.FIRST, SHORT + 1) if high(second)), None)
    assert peers.kayenta_first(metrics, sized=sized) == looked
    assert peers.kayenta_once(metrics, sized=sized) == high(SHORT)


def test_a_run_cut_at_its_end_is_the_run_and_cut_before_it_has_no_later_sample() -> None:
    evidence = run(Condition("x", "interleaved", seconds=SHORT), 1, 0)
    whole, half = until(evidence, SHORT), until(evidence, SHORT / 2)
    assert len(whole.canary.requests) == len(evidence.canary.requests)
    assert half.canary.seconds == SHORT / 2
    assert (
        max(half.canary.requests.t.max(), half.baseline.requests.t.max()) < half.canary.phase_starts[-1] + 15
    )
    assert half.planned == SHORT


@pytest.mark.parametrize("harm", [BAD, Harm()])
def test_the_short_cut_finds_what_a_judgement_at_each_look_finds(harm: Harm) -> None:
    condition, policy, step = Condition("x", phi=0.3, seconds=SHORT, harm=harm), Policy(), 10.0
    ((evidence, shown),) = alarms(runs(condition, 1, 1), rules({}), policy)
    looked, told = every_look(evidence, rules({}), policy, step), at_the_end(evidence, rules({}), policy)
    assert looked.keys() == shown.keys() == told.failed.keys()
    assert all(0 <= looked[name] - shown[name] <= step for name in looked)
    assert bool(looked) == (harm is BAD)


def test_every_condition_is_in_both_schedules() -> None:
    for cases in (ALIKE, AT_THE_MARGIN, EQUAL_ERRORS, HARMS):
        kept = {
            schedule: {
                replace(c.condition, schedule="").name for c in cases if c.condition.schedule == schedule
            }
            for schedule in ("phased", "interleaved")
        }
        assert kept["phased"] == kept["interleaved"]


def test_the_tables_of_the_documentation_have_a_row_for_every_condition() -> None:
    page = (Path(__file__).parents[3] / "docs" / "judge.md").read_text("utf-8")
    for case in (*ALIKE, *AT_THE_MARGIN, *EQUAL_ERRORS, *HARMS):
        assert f"| {case.condition.name} | {case.condition.schedule} |" in page


def test_wald_s_bound_is_the_logarithm_by_the_information_of_a_sample() -> None:
    assert sample_bound(0.01, 0.03, 0.01) == pytest.approx(349.9, abs=0.2)
    assert sample_bound(0.5, 1.0, 0.01) == pytest.approx(np.log(100) / np.log(2))


def test_a_share_s_interval_holds_it_and_stays_within_0_and_1() -> None:
    assert interval(0, 200)[0] == 0
    assert interval(200, 200)[1] == 1
    low, high = interval(4, 200)
    assert low < 0.02 < high
