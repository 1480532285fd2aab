"""The tables of bench/judge: what they count is what was told, on one process as on several."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.judge import __main__ as bench
from bench.judge import peers
from bench.judge.conditions import ALIKE, AT_THE_MARGIN, EQUAL_ERRORS, SAME_CODE, Case
from bench.judge.harm import Harm
from bench.judge.harms import HARMS, HOSTILE, LOOKED_AT, MORE_ERRORS
from bench.judge.machine import Machine
from bench.judge.ours import at_the_end, every_look, rules, until
from bench.judge.rows import Asked
from bench.judge.simulate import Result, say
from bench.judge.tables import interval
from bench.judge.traffic import SCHEDULES, Condition, run
from bench.judge.wald import bound_with_margin, sample_bound
from pipeline.canary.schedule import SLICE_SECONDS
from pipeline.judge.policy import Policy
from pipeline.kayenta.classify import Label, classify
from pipeline.kayenta.mannwhitney import wilcoxon_difference

SHORT = 60  # seconds: enough for every kind of metric to be bounded
BAD = Harm(latency=1.5, errors=0.1, series={"service_cpu": 1.5})
QUIET = Machine(errors=0.0)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("metric", ["latency_p50", "errors", "service_fds"])
def test_the_ranks_of_all_looks_are_kayenta_s_own_statistic_at_each(schedule: str, metric: str) -> None:
    one = peers.seconds_of(run(Condition("x", schedule, Machine(errors=0.05), seconds=SHORT), 1, 0))[metric]
    for second in (20, 31, SHORT):
        exact = wilcoxon_difference(0.0, 0.0, one.canary[:second], one.baseline[: one.seen[second - 1]])
        assert one.score[second - 1] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("sized", [True, False])
def test_kayenta_s_first_high_is_that_of_its_rules_at_every_look(sized: bool) -> None:
    condition = Condition("x", "interleaved", Machine(phi=0.6), seconds=SHORT, harm=Harm(latency=1.06))
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


def test_both_at_once_a_run_is_cut_at_the_same_second_for_both() -> None:
    evidence = run(Condition("x", "concurrent", seconds=SHORT), 1, 0)
    early = until(evidence, 30)
    for arm in (early.baseline, early.canary):
        assert arm.seconds == 30
        assert 29 < arm.requests.t.max() < 30
        assert len(arm.series["host_cpu"].t) == 30
    assert early.planned == 2 * SHORT


@pytest.mark.parametrize("schedule", ["interleaved", "concurrent"])
@pytest.mark.parametrize("harm", [BAD, Harm()])
def test_one_judgement_at_the_end_finds_what_a_judgement_at_each_look_finds(
    schedule: str, harm: Harm
) -> None:
    """What has failed only at the end was shown too late for a look: a block's partner may be a slice later."""
    seconds, policy, step = 72, Policy(), 6.0
    condition = Condition("x", schedule, Machine(phi=0.3), seconds, harm)
    evidence = run(condition, 1, 1)
    looked, told = every_look(evidence, rules({}), policy, step), at_the_end(evidence, rules({}), policy)
    wait = step + 2 * SLICE_SECONDS * (schedule == "interleaved")
    assert looked.keys() <= told.failed.keys()
    assert all(told.failed[name] + wait > seconds for name in told.failed.keys() - looked.keys())
    assert all(0 <= looked[name] - told.failed[name] <= wait for name in looked)
    assert bool(looked) == (harm is BAD)


def test_a_status_that_was_new_until_the_baseline_gave_it_has_failed_the_run() -> None:
    """A judgement at the end no longer sees that, and yet a run that is watched would have been ended by it."""
    condition = Condition("x", "concurrent", Machine(phi=0.3), 30, BAD)
    evidence = run(condition, 1, 1)
    assert 500 in evidence.baseline.requests.status
    assert "new_statuses" in at_the_end(evidence, rules({}), Policy()).failed


def test_a_row_counts_what_each_run_was_told() -> None:
    case = Case(Condition("x", "concurrent", QUIET, SHORT, Harm(errors=0.2)), metric="latency_p50")
    result = Result([say(case, number, seed=1, peers=True) for number in range(3)])
    assert (result.n, result.outcomes["failed"], result.failed["error_rate"]) == (3, 3, 3)
    assert len(result.after("error_rate")) == len(result.ours) == 3
    assert result.kayenta_plain == result.kayenta_sized == 3


def test_the_figures_are_the_same_on_one_process_and_on_two(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for processes in ("1", "2"):
        bench.main(["errors", "--pairs", "12", "--rows", "100% . phased", "--processes", processes])
        printed.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("|")])
    assert printed[0] == printed[1]
    assert len(printed[0]) == 3


def test_a_table_says_which_command_makes_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["kinds", "--pairs", "1", "--rows", "drift", "--family", "tune", "--processes", "1"])
    command = "python -m bench.judge kinds --pairs 1 --seed 2026 --rows drift --family tune"
    assert f"`{command}`" in capsys.readouterr().out


def test_rows_are_chosen_by_name_and_schedule() -> None:
    chosen = Asked(1, 1, only="phi 0.9.*concurrent").chosen(ALIKE)
    assert {case.condition.schedule for case in chosen} == {"concurrent"}
    assert "AR(1), phi 0.9" in {case.condition.name for case in chosen}


@pytest.mark.parametrize(
    "cases", [ALIKE, AT_THE_MARGIN, EQUAL_ERRORS, SAME_CODE, HARMS, HOSTILE, MORE_ERRORS, LOOKED_AT]
)
def test_every_condition_is_in_all_schedules_and_has_a_row_of_its_own(cases: tuple[Case, ...]) -> None:
    kept = {
        schedule: {
            f"{replace(case.condition, schedule='')} {case.thresholds} {case.spoilt}"
            for case in cases
            if case.condition.schedule == schedule
        }
        for schedule in SCHEDULES
    }
    assert kept["phased"] == kept["interleaved"] == kept["concurrent"]
    rows = {(case.title, case.condition.seconds) for case in cases}
    assert len(rows) == len(cases)


def test_the_tables_of_the_documentation_have_conditions_that_there_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "judge.md").read_text("utf-8")
    cases = (*ALIKE, *AT_THE_MARGIN, *EQUAL_ERRORS, *SAME_CODE, *HARMS, *HOSTILE, *MORE_ERRORS)
    named = set(re.findall(rf"^\| (.+? \| (?:{'|'.join(SCHEDULES)})) \|", page, re.MULTILINE))
    assert named
    assert named <= {case.title for case in cases}


def test_wald_s_bound_is_the_logarithm_by_the_information_of_a_sample() -> None:
    assert sample_bound(0.01, 0.03, 0.01) == pytest.approx(349.9, abs=0.2)
    assert sample_bound(0.5, 1.0, 0.01) == pytest.approx(np.log(100) / np.log(2))


def test_a_margin_and_a_baseline_that_has_to_be_learnt_cost_requests() -> None:
    without, known, learnt = (
        bound_with_margin(0.01, 0.03, margin, 0.01, known=known)
        for margin, known in ((0.0, True), (0.003, True), (0.003, False))
    )
    assert without == pytest.approx(sample_bound(0.01, 0.03, 0.01))
    shares = np.linspace(
        0.0101, 0.0269, 2000
    )  # of the baseline, as far as the canary's 3 % are beyond its margin

    def information(truth: float, told: np.ndarray) -> np.ndarray:
        return truth * np.log(truth / told) + (1 - truth) * np.log((1 - truth) / (1 - told))

    slow = np.log(100) / (information(0.03, shares + 0.003) + information(0.01, shares)).min()
    assert without < known < learnt == pytest.approx(slow, rel=1e-4)


def test_a_share_s_interval_holds_it_and_stays_within_0_and_1() -> None:
    assert interval(0, 200)[0] == 0
    assert interval(200, 200)[1] == 1
    low, high = interval(4, 200)
    assert low < 0.02 < high
