"""What is printed fits the terminal: every command's help, and every table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from rich.cells import cell_len

from pipeline.base.errors import Exit
from pipeline.cli.root import cli, run
from pipeline.judge.catalogue import CATALOGUE
from pipeline.judge.verdict import Outcome
from pipeline.lab import doctor
from pipeline.runs.calibration import Key, Measured, Store
from pipeline.source.sample import faults as catalogue
from tests.support.past_run import past_run
from tests.support.run_files import whole_run, write


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _commands(below, (*path, name))


COMMANDS = [*_commands(cli), ("canary", "promote"), ("canary", "rollback")]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: " ".join(path) or "pipeline")
def test_no_line_of_a_help_is_wider_than_the_terminal(
    command: tuple[str, ...],
    columns: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([*command, "--help"]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > columns] == []
    assert " ".join(["Usage: pipeline", *command]) in lines[0]


def _too_wide(out: str, columns: int) -> list[str]:
    assert len(out.splitlines()) > 1
    return [line for line in out.splitlines() if cell_len(line) > columns]


LONG = "a_latency_of_the_request_as_long_as_names_may_become"


def _kayenta(folder: Path) -> list[str]:
    """A judgement by Kayenta's rules of metrics with long names, in three groups, that are critical or muted."""
    names = [LONG, "漢字" * 20, "cpu"]
    config = {
        "metrics": [
            {
                "name": name,
                "groups": ["requests of the service", "the system below it"],
                "analysisConfigurations": {"canary": {"critical": True, "mustHaveData": True}},
            }
            for name in names
        ],
        "classifier": {"scoreThresholds": {"pass": 95, "marginal": 75}},
    }
    (folder / "canary.json").write_text(json.dumps(config), "utf-8")
    for arm, first in (("a", 100), ("b", 300)):
        rows = [f"{t},{first + t % 7}.123456,{first + t % 5},{12_345_678 + t}" for t in range(60)]
        (folder / f"{arm}.csv").write_text("\n".join([f"t,{','.join(names)}", *rows]) + "\n", "utf-8")
    given = ["judge", "--judge", "kayenta", "--config", str(folder / "canary.json")]
    return [*given, "--baseline", str(folder / "a.csv"), "--canary", str(folder / "b.csv")]


def _two_runs(folder: Path) -> list[str]:
    names = [f"20261130T101112Z-a-branch-with-a-long-name-{n}" for n in (1, 2)]
    for name in names:
        past_run(folder, name, 1, Outcome.FAILED)
    return [str(folder / name) for name in names]


def _calibrated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.base.places.ROOT", folder)
    (folder / ".pipeline").mkdir()
    key = Key(
        "preview", "https://github.com/somebody/a-repository.git", "lxc", "concurrent", 50, 120, 15, 0.1
    )
    names = [*CATALOGUE]
    measured = Measured(
        "2026-11-23T10:00:00+00:00",
        "a" * 40,
        dict.fromkeys(names, -0.1234),
        {name: "relative" if CATALOGUE[name].unit != "fraction" else "absolute" for name in names},
        dict.fromkeys(names, 0.0123),
    )
    Store(folder / ".pipeline" / "calibration.json").add(key, measured)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("what", ["faults", "doctor", "kayenta", "verdict", "runs", "compare", "calibrate"])
def test_no_line_of_a_table_is_wider_than_the_terminal(
    what: str,
    columns: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    arguments = [what]
    if what == "kayenta":
        arguments = _kayenta(tmp_path)
    elif what == "verdict":
        arguments = ["judge", str(write(tmp_path, *whole_run()).path)]
    elif what == "runs":
        _two_runs(tmp_path)
        arguments = ["runs", "--runs", str(tmp_path)]
    elif what == "compare":
        arguments = ["runs", "compare", *_two_runs(tmp_path)]
    elif what == "calibrate":
        _calibrated(tmp_path, monkeypatch)
        arguments = ["calibrate", "--show"]
    elif what == "doctor":
        monkeypatch.setattr(doctor, "_lab", lambda: ())
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("PATH", str(tmp_path))  # where everything is missing, and has most words
    run(arguments)
    out = capsys.readouterr().out
    hints = ("for ", "report: ")  # a command to be copied, a path: not broken
    assert [line for line in _too_wide(out, columns) if not line.startswith(hints)] == []


def test_where_a_column_gives_way_nothing_of_its_words_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    run(["faults"])
    words = capsys.readouterr().out.split()
    assert set(" ".join(catalogue("preview").values()).split()) <= set(words)
