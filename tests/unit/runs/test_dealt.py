"""Both versions at once: the proxy's stamp says whose a request is, and a split other than it was told is invalid."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.judge import judge
from pipeline.judge.evidence import Problem
from pipeline.judge.rules import default_rules
from pipeline.runs.dealt import comparable, incomparable_note, split_chance
from pipeline.runs.directory import Run
from tests.support.run_files import WAITED, dealt_run, row, write

FAR = 40  # seconds of the run, within its measured time


def rows(count: int, green: int, *, rate: int = 50) -> list[str]:
    """That many requests of the measured time, the first `green` of them served by the canary."""
    return [row(2 + i / rate, "green" if i < green else "blue") for i in range(count)]


def problems(run: Run) -> list[Problem]:
    """Those that the evidence found, without those of run.json and what is not compared."""
    found = run.evidence.problems
    return [p for p in found if "books" not in p.message and "Not compared" not in p.message]


def test_each_request_of_the_measured_time_is_its_colours_and_no_other(tmp_path: Path) -> None:
    samples = [
        row(1.9, "blue"),
        row(2, "green"),
        row(2.02, "blue", status=500, body_ok=""),
        row(61.9, "green"),
    ]
    series = ["30,baseline,service_cpu,0.25", "30,canary,service_cpu,0.5", "1.5,canary,service_cpu,9"]
    evidence = write(tmp_path, [*samples, row(62, "green")], series, dealt_run()).evidence
    assert evidence.baseline.requests.t.tolist() == [2.02]
    assert evidence.canary.requests.t.tolist() == [2.0, 61.9]
    assert evidence.baseline.series["service_cpu"].value.tolist() == [0.25]
    assert evidence.canary.series["service_cpu"].value.tolist() == [0.5]
    assert (evidence.pairing, evidence.planned) == ("time", 60)
    assert [arm.seconds for arm in (evidence.baseline, evidence.canary)] == [60, 60]
    assert [arm.phase_starts for arm in (evidence.baseline, evidence.canary)] == [(2.0,), (2.0,)]


@pytest.mark.parametrize(("without", "effect"), [(0, None), (10, "note"), (11, "invalid")])
def test_what_has_no_colour_is_neither_versions_and_more_than_a_percent_is_invalid(
    tmp_path: Path, without: int, effect: str | None
) -> None:
    silent = [f"{FAR + i / 50:.6f},12,,0,timeout,0,,," for i in range(without)]
    run = write(tmp_path, [*rows(1000 - without, 500), *silent], run=dealt_run())
    assert [problem.effect for problem in problems(run)] == ([effect] if effect else [])
    assert len(run.evidence.baseline.requests) + len(run.evidence.canary.requests) == 1000 - without
    assert all(f"{without} of 1,000" in problem.message for problem in problems(run))


def test_what_waited_in_the_loader_may_have_been_the_slow_versions_and_is_no_wrong_split(
    tmp_path: Path,
) -> None:
    answered = [f"{one},0" for one in rows(455, 169)]
    waited = [f"{FAR + i / 50:.6f},12,,0,timeout,0,,,,4900000" for i in range(120)]
    run = write(tmp_path, [*answered, *waited], run=dealt_run(), header=WAITED)
    assert any("waited in the loader" in problem.message for problem in problems(run))
    assert not any("did not split" in problem.message for problem in problems(run))


def test_of_a_run_that_ended_early_the_requests_that_nobody_waited_for_are_no_wrong_split(
    tmp_path: Path,
) -> None:
    """For five seconds before its end the slow version's requests are missing."""
    record = dealt_run()
    record["phases"] = [{**phase, "end": 14.0 if phase["end"] == 62 else 2.0} for phase in record["phases"]]
    before = [row(2 + i / 50, "green" if i % 2 else "blue") for i in range(350)]
    after = [row(9 + i / 25, "blue") for i in range(125)]
    assert problems(write(tmp_path, [*before, *after], run=record)) == []


def test_an_answer_that_broke_off_counts_for_the_version_that_began_it(tmp_path: Path) -> None:
    broken = [f"{FAR + i / 50:.6f},12,,0,reset,0,,,green" for i in range(100)]
    run = write(tmp_path, [*rows(900, 400), *broken], run=dealt_run())
    assert problems(run) == []
    assert np.count_nonzero(run.evidence.canary.requests.status == 0) == 100


@pytest.mark.parametrize(
    ("share", "green", "effect"),
    [
        (0.5, 500, None),
        (0.5, 577, None),  # by chance in one of 800,000 runs
        (0.5, 578, "invalid"),
        (0.5, 422, "invalid"),
        (0.1, 100, None),
        (0.1, 160, "invalid"),
        (0.1, 50, "invalid"),
        (0.5, 0, "invalid"),
    ],
)
def test_a_split_that_chance_does_not_explain_is_invalid(
    tmp_path: Path, share: float, green: int, effect: str | None
) -> None:
    run = write(tmp_path, rows(1000, green), run=dealt_run(share))
    found = problems(run)
    assert [problem.effect for problem in found] == ([effect] if effect else [])
    assert all("the proxy did not split as it was told" in problem.message for problem in found)


def test_a_split_is_as_probable_as_the_binomial_distribution_says() -> None:
    def slow(green: int, total: int, share: float) -> float:
        terms = [math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
        return min(1.0, 2 * min(sum(terms[: green + 1]), sum(terms[green:])))

    for total, share in ((1, 0.5), (37, 0.1), (60, 0.83)):
        for green in range(total + 1):
            assert split_chance(green, total, share) == pytest.approx(slow(green, total, share), rel=1e-9)
    assert split_chance(0, 0, 0.5) == 1


def test_requests_dealt_by_chance_are_hardly_ever_called_badly_dealt() -> None:
    draws = np.random.default_rng(5).binomial(3000, 0.1, 4000)
    chances = [split_chance(int(green), 3000, 0.1) for green in draws]
    assert min(chances) > 1e-6
    assert np.mean(np.asarray(chances) < 0.05) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("share", "left_out"),
    [
        (0.5, {"throughput"}),
        (
            0.1,
            {"throughput", "service_cpu", "service_memory", "service_memory_growth", "service_threads", "service_fds",
             "joint_shift", "host_cpu", "host_memory", "host_load1"},
        ),
    ],
)  # fmt: skip
def test_what_depends_on_how_many_requests_a_version_gets_is_not_compared_and_said(
    tmp_path: Path, share: float, left_out: set[str]
) -> None:
    rules = default_rules()
    assert {rule.name for rule in rules} - {rule.name for rule in comparable(rules, share)} == left_out
    note = incomparable_note(rules, share)
    assert note is not None
    assert note.effect == "note"
    assert "Good responses" in note.message
    assert incomparable_note(comparable(rules, share), share) is None
    run = write(tmp_path, rows(10, 5), run=dealt_run(share))
    assert run.rules == comparable(rules, share)
    assert note in run.evidence.problems


def test_a_canary_of_errors_fails_and_a_copy_of_the_baseline_does_not(tmp_path: Path) -> None:
    def outcome(canary: dict[str, Any]) -> tuple[str, set[str]]:
        dealt = np.random.default_rng(3).random(3000) < 0.5
        samples = [
            row(2 + i / 50, "green", **canary) if green else row(2 + i / 50, "blue")
            for i, green in enumerate(dealt)
        ]
        run = write(tmp_path, samples, run=dealt_run())
        verdict = judge(run.evidence, run.rules, run.policy)
        return verdict.outcome.value, {m.name for m in verdict.metrics if m.decision.value == "fail"}

    assert outcome({"status": 500, "body_ok": ""}) == (
        "failed",
        {"error_rate", "new_statuses", "availability"},
    )
    assert outcome({})[1] == set()
