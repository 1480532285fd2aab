"""`pipeline load` before it reaches a host."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run

URL = "http://127.0.0.1:9/"


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Path]:
    """An inventory with a host on whose port nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        path = tmp_path / "hosts.ini"
        path.write_text(f"[loaders]\nload1 ansible_host=127.0.0.1 ansible_port={taken.getsockname()[1]}\n")
        yield path


def test_help_teaches_with_an_example_and_an_inventory(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load", "--help"]) == Exit.OK
    said = capsys.readouterr().out
    assert "pipeline load --loaders inventory.ini http://shop/ --rate 20000" in said
    assert "[loaders]" in said
    assert "python -m loadgen --help" in said


def test_no_group_is_one_line_and_the_next_thing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("[web]\nshop\n")
    assert run(["load", "--loaders", str(path), URL]) == Exit.USAGE
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"pipeline: {path}: no group 'loaders', whose hosts send the load; it has web"
    assert second.startswith("  try: add the group loaders with a line for each host: ")


def test_the_loaders_options_are_looked_at_before_any_host_is_asked(
    nobody: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["load", "--loaders", str(nobody), URL, "--rate", "many"]) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.startswith("pipeline: Invalid value for '--rate': 'many' is not a rate")


def test_two_places_for_one_summary_are_refused(nobody: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load", "--loaders", str(nobody), URL, "--json", "--json-out=a.json"]) == Exit.USAGE
    captured = capsys.readouterr()
    assert captured.err.startswith("pipeline: --json and --json-out: one of them")
    assert json.loads(captured.out)["error"]["exit_code"] == Exit.USAGE


def test_a_host_that_cannot_be_reached_is_named_with_the_reason_before_any_load(
    nobody: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pipeline.base.places.ROOT", tmp_path)
    assert run(["load", "--loaders", str(nobody), URL]) == Exit.ENVIRONMENT
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("pipeline: ")]
    assert len(lines) == 1
    assert lines[0].startswith("pipeline: load1: cannot be reached by SSH: ")
