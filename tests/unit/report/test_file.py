"""report.html as it is written into a run directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tests.support.report_samples as samples
from pipeline.base.errors import RunDirectoryError
from pipeline.report import write_report
from pipeline.runs.directory import RunDirectory


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    (tmp_path / "run.json").write_text(json.dumps(samples.run(phases=[])))
    return RunDirectory(tmp_path)


def test_the_page_is_written_beside_the_samples_and_nothing_else(directory: RunDirectory) -> None:
    path = write_report(directory, directory.read_run(), samples.verdict())
    assert path == directory.path / "report.html"
    assert path.read_text().startswith("<!doctype html>")
    assert sorted(file.name for file in directory.path.iterdir()) == ["report.html", "run.json"]


def test_a_page_that_cannot_be_made_leaves_the_old_one(directory: RunDirectory) -> None:
    (directory.path / "report.html").write_text("old")
    (directory.path / "run.json").write_text("{")
    with pytest.raises(RunDirectoryError):
        write_report(directory, samples.run(), samples.verdict())
    assert (directory.path / "report.html").read_text() == "old"
