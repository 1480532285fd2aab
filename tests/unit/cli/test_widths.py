"""What is printed fits the terminal: every command's help, and every table."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import cli, run


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
    command: tuple[str, ...], columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([*command, "--help"]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > columns] == []
    assert " ".join(["Usage: pipeline", *command]) in lines[0]
