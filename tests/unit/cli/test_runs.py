"""`pipeline runs`: the list, two side by side, old ones removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from pipeline.judge.verdict import Outcome
from tests.support.past_run import past_run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    past_run(tmp_path, "one", 1, Outcome.FAILED)
    past_run(tmp_path, "two", 2)
    return tmp_path


def test_a_row_a_run_with_what_it_says(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert run(["runs", "--runs", str(runs)]) == Exit.OK
    head, newest, oldest = capsys.readouterr().out.splitlines()
    assert head.split() == ["when", "versions", "verdict", "score", "what", "it", "says"]
    assert newest.split()[:5] == ["2026-11-02", "10:00", "master", "broken", "passed"]
    assert "do not promote: 3,000 of 3,000 requests fail" in oldest
    assert run(["runs", "--runs", str(runs), "--verdict", "failed", "--json"]) == Exit.OK
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["directory"], only["outcome"]) == (str(runs / "one"), "failed")
    assert run(["runs", "--runs", str(runs), "--ref", "nowhere"]) == Exit.OK
    assert capsys.readouterr().out == f"no such run in {runs}\n"


def test_on_80_columns_what_a_run_says_stands_below_it_whole(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    past_run(runs, "no verdict", 3, None, canary={"ref": "feature/" + "x" * 60})
    assert run(["runs", "--runs", str(runs)]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "  it has no verdict: pipeline judge judges what is there" in lines
    assert "  do not promote: 3,000 of 3,000 requests fail" in lines


def test_two_runs_are_compared_metric_by_metric(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["runs", "compare", str(runs / "one"), str(runs / "two")]
    assert run(arguments) == Exit.OK
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()[:2]] == [
        ["first", "failed", "one"],
        ["second", "passed", "two"],
    ]
    assert run([*arguments, "--json"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert document["outcomes"] == ["failed", "passed"]
    assert all(len(metric["decisions"]) == 2 for metric in document["metrics"])


def test_old_runs_are_removed_and_a_dry_run_removes_none(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["runs", "prune", "--runs", str(runs), "--keep", "1"]
    assert run([*arguments, "--dry-run"]) == Exit.OK
    assert capsys.readouterr().out == f"would remove {runs / 'one'}\n"
    assert (runs / "one").is_dir()
    assert run(arguments) == Exit.OK
    assert capsys.readouterr().out == f"removed {runs / 'one'}\n"
    assert run(arguments) == Exit.OK
    assert capsys.readouterr().out == "nothing to remove: 1 run, 1 may stay\n"


def test_a_run_that_is_not_there_is_one_line(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "compare", str(runs / "one"), str(runs / "none")]) == Exit.USAGE
    assert capsys.readouterr().err.startswith(f"pipeline: {runs / 'none'}: no such run directory")


def test_the_index_is_one_page_of_all_runs_beside_them_or_where_it_is_wanted(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["runs", "index", "--runs", str(runs)]) == Exit.OK
    assert capsys.readouterr().out == f"index: {runs / 'index.html'}\n"
    assert (runs / "index.html").read_text().startswith("<!doctype html>")
    other = runs / "pages" / "all.html"
    assert run(["runs", "index", "--runs", str(runs), "-o", str(other)]) == Exit.USAGE
    assert f"{other}: cannot be written: No such file" in capsys.readouterr().err
    assert [path.name for path in runs.iterdir() if path.name.startswith(".")] == []
