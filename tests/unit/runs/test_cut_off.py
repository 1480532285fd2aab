"""A run that was killed under load is judged by what is there, and never as if it had ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.judge.evidence import Problem
from pipeline.judge.verdict import Outcome
from pipeline.runs.directory import judge_run, load
from tests.support.run_files import PHASES, RUN, row, write

SETTINGS = {"schedule": "phased", "rate": 10.0, "duration": 60.0}
KILLED: dict[str, Any] = {**RUN, "settings": SETTINGS, "problems": [], "under_way": True}


def rows(end: float, status: int = 200) -> list[str]:
    """Ten requests a second until `end`, those of the canary's phases with `status`."""
    return [
        row(n / 10, "blue" if n < 620 else "green", status=200 if n < 620 else status)
        for n in range(round(end * 10))
    ]


def samples(end: float) -> list[str]:
    return [f"{t}.25,{arm},up,1" for t in range(int(end)) for arm in ("baseline", "canary")]


def test_its_phases_end_where_the_samples_do(tmp_path: Path) -> None:
    run = write(tmp_path, rows(80), samples(80), KILLED)
    assert [(phase.arm, phase.kind, phase.end) for phase in run.record.phases] == [
        ("baseline", "warmup", 2),
        ("baseline", "measure", 62),
        ("canary", "warmup", 64),
        ("canary", "measure", 79.25),
    ]
    assert run.record.problems == (
        Problem(
            "inconclusive", "the run was killed, or has not ended: it breaks off after 1 min 19 s of load"
        ),
    )
    assert run.evidence.canary.seconds == 15.25


@pytest.mark.parametrize("status", [200, 500])
def test_it_never_passes_and_harm_that_is_shown_stays_shown(tmp_path: Path, status: int) -> None:
    run = write(tmp_path, rows(120, status), samples(120), KILLED)
    verdict = judge_run(run)
    assert verdict.outcome is (Outcome.FAILED if status == 500 else Outcome.INCONCLUSIVE)
    assert any("the run was killed" in said for said in (*verdict.reasons, *verdict.notes))


def test_one_that_was_killed_before_its_first_request_has_no_phase(tmp_path: Path) -> None:
    run = write(tmp_path, [], [], KILLED)
    (tmp_path / "requests.csv").unlink()
    run = load(tmp_path)
    assert run.record.phases == ()
    assert "breaks off before there was load" in run.record.problems[0].message
    assert judge_run(run).outcome is Outcome.INCONCLUSIVE


def test_one_that_ended_is_taken_as_it_is_written(tmp_path: Path) -> None:
    run = write(tmp_path, rows(80), samples(80), {**KILLED, "under_way": False})
    assert [phase.to_dict() for phase in run.record.phases] == PHASES
    assert run.record.problems == ()


def test_no_verdict_rests_on_a_canary_that_was_never_measured(tmp_path: Path) -> None:
    verdict = judge_run(write(tmp_path, rows(30), samples(30), KILLED))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the run was killed" in verdict.reasons[0]
