"""`python -m dashboard.generate`: Grafana's dashboard as a file, and what it says of a panels.yml that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard import generate
from dashboard.panels import Dashboard, PanelsError, load


def test_grafanas_dashboard_is_written_to_a_file_or_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "grafana.json"
    assert generate.main(["-o", str(file)]) == 0
    assert json.loads(file.read_text(encoding="utf-8"))["uid"] == "pipeline-production"
    assert generate.main([]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")


def test_what_the_page_reads_is_what_panels_yml_says() -> None:
    assert Dashboard.model_validate_json(generate.page_json()) == load()


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main(["-o", str(tmp_path / "absent" / "grafana.json")]) == 2
    assert capsys.readouterr().err.endswith("grafana.json: No such file or directory\n")


def test_a_wrong_panels_yml_ends_with_2_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "panels.yml"
    path.write_text("applications: []\nmarks: []\nmarks: []\n", encoding="utf-8")
    monkeypatch.setattr(generate, "load", lambda: load(path))
    assert generate.main([]) == 2
    first, *problems = capsys.readouterr().err.splitlines()
    assert first == f"{path}: 3 problems"
    assert [line.strip().removeprefix(f"{path}:") for line in problems] == [
        "1: applications: must not be empty",
        "1: panels: is missing",
        "3: 'marks' is given twice",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: [", "1: "),
        (b"- a\n", "1: must be a mapping"),
        (b"\xff", "1: not a text file in UTF-8"),
        (b"", "1: "),
    ],
)
def test_a_file_that_is_no_mapping_is_told_with_a_line(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "panels.yml"
    path.write_bytes(content)
    with pytest.raises(PanelsError) as told:
        load(path)
    assert told.value.problems[0].startswith(f"{path}:{problem}")
