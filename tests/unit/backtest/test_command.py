"""`pipeline backtest`: from files to a page; it goes on where it was; what is wrong is one line."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from tests.support.past_series import config, past_csv


def _command(tmp_path: Path, *more: str) -> list[str]:
    files = ["--config", str(config(tmp_path / "canary.yml")), "--baseline", str(tmp_path / "past.csv")]
    return ["backtest", *files, "--out", str(tmp_path / "out"), *more]


def test_a_past_becomes_figures_and_a_page_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past_csv(tmp_path / "past.csv", 240)
    command = _command(tmp_path)

    assert run(command) == Exit.OK
    first = capsys.readouterr()
    assert "Of 11 windows of 5 min in which nothing was wrong this gate would have failed" in first.out
    assert "latency +20 %" in first.out
    assert "judgements, about" in first.err
    page = (tmp_path / "out" / "backtest.html").read_text()
    assert page.count("<svg") >= 2
    assert "http" not in page  # nothing beside it

    # A power cut in the middle of a line, and results that were not made yet.
    results = tmp_path / "out" / "results.jsonl"
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:-9]) + lines[-9][:20])
    assert run([*command, "--json"]) == Exit.OK
    again = json.loads(capsys.readouterr().out)
    assert sorted(results.read_text().splitlines()) == sorted("".join(lines).splitlines())
    assert again["alarms"]["n"] == 11
    assert again == json.loads((tmp_path / "out" / "summary.json").read_text())


def test_another_question_needs_another_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past_csv(tmp_path / "past.csv", 240)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "backtest.json").write_text('{"format": 1, "asked": {"window": 60.0}}')

    assert run(_command(tmp_path)) == Exit.USAGE
    assert re.search(r"out: holds a backtest with another config and window", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--prometheus", "http://p"], "give --prometheus URL, or --baseline FILE"),
        (["--split", "pod"], "--split goes with --prometheus"),
        (["--exclude", "yesterday"], "--exclude yesterday: write FROM/TO"),
        (["--exclude", "2026-01-31T11:00:00Z/2026-01-31T10:00:00Z"], "ends before it begins"),
        (["--exclude", "2026-01-31/now"], "--exclude: '2026-01-31' has no zone"),
        (["--window", "30m"], "are in this past"),
    ],
)
def test_what_does_not_go_together_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    past_csv(tmp_path / "past.csv", 240)

    assert run(_command(tmp_path, *more)) == Exit.USAGE
    assert words in capsys.readouterr().err


def test_a_directory_that_holds_something_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past_csv(tmp_path / "past.csv", 240)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("x")

    assert run(_command(tmp_path)) == Exit.USAGE
    assert "is not empty, and no backtest" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious"]


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path) -> None:
    past_csv(tmp_path / "past.csv", 2000)
    results = tmp_path / "out" / "results.jsonl"
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", *_command(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as child:
        while not results.exists() or results.read_text().count("\n") < 3:
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate()

    assert child.returncode == Exit.INTERRUPTED
    assert b"the same command goes on" in said
    assert b"Traceback" not in said
    assert results.read_text().endswith("\n")
