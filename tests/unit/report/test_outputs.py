"""Where a verdict is written: whole files, none of an earlier verdict, and a step's summary is added to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tests.support.report_samples as samples
from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.report.outputs import Outputs, Told
from pipeline.report.summary import LARGEST
from pipeline.runs.record import Record

TOLD = Told(samples.verdict(), Record.from_dict(samples.run()), samples.evidence())


def all_four(directory: Path) -> Outputs:
    return Outputs(
        junit=directory / "junit.xml",
        summary=directory / "summary.md",
        html=directory / "page.html",
        json_file=directory / "verdict.json",
    )


def test_every_file_is_written_and_says_the_same(tmp_path: Path) -> None:
    outputs = all_four(tmp_path)
    outputs.prepare()
    outputs.write(TOLD)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "junit.xml",
        "page.html",
        "summary.md",
        "verdict.json",
    ]
    assert json.loads((tmp_path / "verdict.json").read_text())["outcome"] == "failed"
    for name in ("junit.xml", "page.html", "summary.md"):
        assert "3,000 of 3,000 requests fail" in (tmp_path / name).read_text()


def test_the_files_of_an_earlier_verdict_are_gone_before_the_new_one_is_worked_for(tmp_path: Path) -> None:
    """A run that breaks before its verdict must not leave a pass behind."""
    outputs = all_four(tmp_path)
    outputs.write(TOLD)
    outputs.prepare()
    assert list(tmp_path.iterdir()) == []


def test_a_step_s_summary_is_added_to_and_stays_within_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "step.md"
    path.write_text("before\n" + "x" * (LARGEST - 8000))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    outputs = Outputs(summary=path)
    outputs.prepare()
    outputs.write(TOLD)
    text = path.read_text()
    assert text.startswith("before\n")
    assert "The canary failed" in text
    assert len(text.encode()) <= LARGEST


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (Outputs(junit=Path("nowhere/x.xml")), "--junit nowhere/x.xml: no such directory"),
        (Outputs(html=Path()), "--html .: a directory"),
        (Outputs(junit=Path("a"), json_file=Path("../one/a")), "--junit and --json-file name the same file"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outputs: Outputs, words: str
) -> None:
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    with pytest.raises(UsageError, match=words):
        outputs.prepare()


def test_a_file_that_can_no_longer_be_written_is_named_and_the_others_are_there(tmp_path: Path) -> None:
    outputs = Outputs(junit=tmp_path / "gone" / "junit.xml", summary=tmp_path / "summary.md")
    with pytest.raises(EnvironmentError_, match=r"--junit .*gone/junit.xml: cannot be written: No such file"):
        outputs.write(TOLD)
    assert (tmp_path / "summary.md").is_file()


def test_a_page_elsewhere_links_to_no_log_that_is_not_beside_it(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "green.log.gz").write_bytes(b"")
    path = tmp_path / "page.html"
    Outputs(html=path).write(Told(TOLD.verdict, TOLD.record, TOLD.evidence, str(tmp_path)))
    assert "green.log" not in path.read_text()
