"""report.html as it is written into a run directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tests.support.report_samples as samples
from pipeline.base.errors import RunDirectoryError
from pipeline.report import write_report
from pipeline.runs.directory import Run, load


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "run.json").write_text(json.dumps(samples.run(phases=[])))
    return load(tmp_path)


def test_the_page_is_written_beside_the_samples_and_nothing_else(run: Run) -> None:
    path = write_report(run, samples.verdict())
    assert path == run.path / "report.html"
    assert path.read_text().startswith("<!doctype html>")
    assert sorted(file.name for file in run.path.iterdir()) == ["report.html", "run.json"]


def test_a_page_that_cannot_be_made_leaves_the_old_one(run: Run) -> None:
    (run.path / "report.html").write_text("old")
    (run.path / "requests.csv").write_text("")
    with pytest.raises(RunDirectoryError):
        write_report(run, samples.verdict())
    assert (run.path / "report.html").read_text() == "old"
