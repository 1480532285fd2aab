"""The runs in a directory: listed, chosen, removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import RunDirectoryError
from pipeline.judge.verdict import Outcome
from pipeline.runs.history import matching, past_runs, removed
from tests.support.past_run import past_run


def test_runs_come_newest_first_and_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    past_run(tmp_path, "b", 1)
    past_run(tmp_path, "a", 3, Outcome.FAILED)
    past_run(tmp_path, "c", 2, None)
    (tmp_path / "notes").mkdir()
    (tmp_path / "latest").symlink_to("b")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "run.json").write_text("[]")
    found = past_runs(tmp_path)
    assert [(one.run.path.name, one.outcome) for one in found] == [
        ("a", "failed"),
        ("c", "no verdict"),
        ("b", "passed"),
    ]
    assert found[1].said == "it has no verdict: pipeline judge judges what is there"


def test_runs_are_chosen_by_ref_commit_verdict_and_service(tmp_path: Path) -> None:
    past_run(tmp_path, "a", 1, Outcome.FAILED, canary={"ref": "broken", "sha": "0fb8c1c" + "0" * 33})
    past_run(tmp_path, "b", 2, canary={"ref": "slow", "sha": "1" * 40}, profile={"name": "slug"})
    found = past_runs(tmp_path)

    def names(**wanted: Any) -> list[str]:
        return [one.run.path.name for one in matching(found, **wanted)]

    assert names(ref="broken") == names(ref="0fb8c1c") == names(outcome=Outcome.FAILED) == ["a"]
    assert names(service="slug") == ["b"]
    assert names(ref="0fb") == [], "too few digits to mean one commit"
    assert names(ref="master") == ["b", "a"]


def test_the_newest_stay_and_so_does_a_run_that_may_still_go_on(tmp_path: Path) -> None:
    for day, name in enumerate(("old", "older_than_new", "new"), 1):
        past_run(tmp_path, name, day)
    past_run(tmp_path, "going_on", 1, None)
    assert [path.name for path in removed(past_runs(tmp_path), 1)] == ["older_than_new", "old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["going_on", "new"]


def test_a_directory_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="no such directory"):
        past_runs(tmp_path / "none")
