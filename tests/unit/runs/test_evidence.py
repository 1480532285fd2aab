"""Which sample belongs to which version, and what the proxy did is told apart from what a version did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.judge.verdict import Outcome
from pipeline.runs.directory import judge_run
from pipeline.runs.evidence import OWN_FAILURES
from tests.support.run_files import (
    HEADER,
    NAMED,
    RUN,
    WAITED,
    broken,
    dealt_run,
    row,
    whole_run,
    write,
)


def test_samples_go_to_the_version_and_phase_they_belong_to(tmp_path: Path) -> None:
    rows = [
        row(1.0, "blue"),  # warm-up
        row(2.0, "blue"),
        row(3.0, "", latency_us="", status=0, body_ok=""),  # nobody answered
        row(61.9, "blue", status=500, body_ok=""),
        row(62.0, "green"),  # the other's warm-up
        row(64.0, "green", body_ok="0"),
    ]
    series = [
        "1.5,baseline,service_cpu,9",
        "2.5,baseline,service_cpu,0.25",
        "65,canary,service_cpu,0.5",
        "65,proxy,up,1",
    ]
    evidence = write(tmp_path, rows, series).evidence
    baseline, canary = evidence.baseline, evidence.canary
    assert baseline.requests.t.tolist() == [2.0, 3.0, 61.9]
    assert baseline.requests.status.tolist() == [200, 0, 500]
    assert baseline.requests.body_ok.tolist() == [1, -1, -1]
    assert baseline.requests.latency[0] == pytest.approx(0.006)
    assert np.isnan(baseline.requests.latency[1])
    assert canary.requests.body_ok.tolist() == [0]
    assert baseline.series["service_cpu"].value.tolist() == [0.25]
    assert canary.series["service_cpu"].value.tolist() == [0.5]
    assert (baseline.seconds, baseline.phase_starts, canary.phase_starts) == (60.0, (2.0,), (64.0,))
    assert [problem.message for problem in evidence.problems] == ["the books agree"]


@pytest.mark.parametrize(("strays", "effect"), [(1, "note"), (40, "invalid")])
def test_requests_the_other_version_served_are_left_out_and_reported(
    tmp_path: Path, strays: int, effect: str
) -> None:
    rows = [row(2 + i / 50, "green" if i < strays else "blue") for i in range(200)]
    evidence = write(tmp_path, rows).evidence
    assert len(evidence.baseline.requests) == 200 - strays
    assert evidence.problems[-1].effect == effect
    assert f"{strays} of 200" in evidence.problems[-1].message


@pytest.mark.parametrize(
    ("error", "count", "effect"),
    [("connect", 2, None), ("connect", 3, "invalid"), ("timeout", 3, "invalid"), ("reset", 200, None)],
)
def test_what_the_proxy_itself_left_unanswered_is_not_the_versions_fault(
    tmp_path: Path, error: str, count: int, effect: str | None
) -> None:
    """A reset may follow an error that the proxy gave in the version's name, and closed the connection with."""
    rows = [f"{2 + i / 50:.6f},12,,0,{error},0,,," for i in range(count)]
    rows += [row(2 + i / 50, "blue") for i in range(count, 200)]
    (_, *found) = write(tmp_path, rows).evidence.problems
    assert [problem.effect for problem in found] == ([effect] if effect else [])


@pytest.mark.parametrize("error", ["protocol", "exhausted"])
def test_what_the_loader_itself_failed_at_is_no_version_s_error_and_makes_the_run_invalid(
    error: str, tmp_path: Path
) -> None:
    rows = [f"{2 + i / 50:.6f},12,,0,{error},0,,," for i in range(2)]
    rows += [row(2 + i / 50, "blue") for i in range(2, 200)]
    evidence = write(tmp_path, rows).evidence
    assert len(evidence.baseline.requests) == 198
    (_, found) = evidence.problems
    assert found.effect == "invalid"
    assert found.message.startswith(" ".join((*OWN_FAILURES[error][:1], "2", f"{OWN_FAILURES[error][1]}s")))


@pytest.mark.parametrize("error", ["timeout", "oversize", "reset"])
def test_an_answer_that_began_and_did_not_end_is_its_version_s_error_with_the_status_that_it_began_with(
    error: str, tmp_path: Path
) -> None:
    rows = [broken(64 + i / 50, error, status=200, served_by="green") for i in range(150)]
    run = write(tmp_path, [*(f"{row(2 + i / 50, 'blue')},0" for i in range(150)), *rows], header=WAITED)
    canary = run.evidence.canary.requests
    assert (canary.status == 200).all()
    assert set(canary.error.tolist()) == {error}
    verdict = judge_run(run)
    assert verdict.outcome is Outcome.FAILED
    assert any("150 of 150 requests failed on the canary" in reason for reason in verdict.reasons)
    assert any("150 of 150 answers of the canary began and did not end" in note for note in verdict.notes)


@pytest.mark.parametrize(
    ("arm", "count", "effect"),
    [
        ("baseline", 1, "note"),
        ("baseline", 40, "invalid"),
        ("canary", 1, "note"),
        ("canary", 40, "inconclusive"),
    ],
)
@pytest.mark.parametrize(("error", "waited"), [("unsent", 0), ("unsent", 4_000_000), ("timeout", 4_000_000)])
def test_what_waited_in_the_loader_is_left_out_and_told_as_that(
    arm: str, count: int, effect: str, error: str, waited: int, tmp_path: Path
) -> None:
    """Not "the proxy answered none": it did not have them, or not for as long as it may take to answer."""
    begin, colour = {"baseline": (2, "blue"), "canary": (64, "green")}[arm]
    rows = [broken(begin + i / 50, error, waited_us=waited) for i in range(count)]
    rows += [f"{row(begin + i / 50, colour)},0" for i in range(count, 200)]
    evidence = write(tmp_path, rows, header=WAITED).evidence
    assert len(getattr(evidence, arm).requests) == 200 - count
    (_, found) = evidence.problems
    assert found.effect == effect
    assert f"{count} of 200" in found.message
    assert "waited in the loader" in found.message


def test_at_once_what_waited_in_the_loader_is_neither_version_s_and_not_the_proxy_s(tmp_path: Path) -> None:
    rows = [broken(2 + i / 50, "unsent", waited_us=5_000_000) for i in range(40)]
    rows += [f"{row(2 + i / 50, ('blue', 'green')[i % 2])},0" for i in range(40, 200)]
    problems = write(tmp_path, rows, run=dealt_run(), header=WAITED).evidence.problems
    (found,) = (problem for problem in problems if problem.effect != "note")
    assert found.effect == "inconclusive"
    assert "40 of 200" in found.message


@pytest.mark.parametrize(("cut", "kept"), [(10, 190), (150, 200)])
def test_what_was_cut_at_the_end_of_its_phase_counts_only_where_it_is_most_of_a_version_s(
    cut: int, kept: int, tmp_path: Path
) -> None:
    rows = [broken(64 + i / 50, "cut", status=200, served_by="green") for i in range(cut)]
    rows += [f"{row(64 + i / 50, 'green')},0" for i in range(cut, 200)]
    run = write(tmp_path, rows, header=WAITED)
    assert len(run.evidence.canary.requests) == kept


MIX = [
    {"name": "read", "weight": 3},
    {"name": "write", "weight": 1, "expect": {"status": [201], "body_regex": "x"}},
]
MIXED_RUN = {**RUN, "profile": {**RUN["profile"], "requests": MIX}}


def named(t: float, served_by: str, request: str, status: int) -> str:
    return f"{row(t, served_by, status=status)},0,{request}"


def test_each_status_is_right_or_wrong_for_its_own_request(tmp_path: Path) -> None:
    rows = [
        named(2 + number / 8, "blue", request, status)
        for number, (request, status) in enumerate(
            [("read", 200), ("read", 201), ("write", 200), ("write", 201), ("other", 200), ("", 200)]
        )
    ]
    evidence = write(tmp_path, rows, run=MIXED_RUN, header=NAMED).evidence
    assert evidence.weights == {"read": 0.75, "write": 0.25}
    requests = evidence.baseline.requests
    assert requests.request.tolist() == ["read", "read", "write", "write", "other", ""]
    assert requests.expected.tolist() == [True, False, False, True, False, False]


@pytest.mark.parametrize("header", [HEADER, WAITED, NAMED])
def test_a_run_of_one_request_is_read_as_before_whatever_its_age(tmp_path: Path, header: str) -> None:
    rows = [row(2.0, "blue") + {HEADER: "", WAITED: ",0", NAMED: ",0,"}[header]]
    evidence = write(tmp_path, rows, header=header).evidence
    assert evidence.weights == {}
    assert len(evidence.baseline.requests) == 1
    assert len(evidence.baseline.requests.expected) == len(evidence.baseline.requests.request) == 0


def test_a_mix_whose_rows_have_no_names_never_passes(tmp_path: Path) -> None:
    rows, series = whole_run()
    verdict = judge_run(write(tmp_path, rows, series, run=MIXED_RUN))
    assert verdict.outcome is Outcome.INVALID
