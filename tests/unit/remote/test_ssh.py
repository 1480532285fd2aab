"""What ssh is called with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import become_ssh, ssh_arguments


@pytest.mark.parametrize("command", [["ls /"], ["ls", "-l", "a b"], ["-v"], []])
def test_a_command_is_passed_on_as_ssh_does(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    """`prod ssh HOST 'ls /'` is a line for the shell there, not the name of one program."""
    called: list[Sequence[str]] = []

    class Replaced(Exception):
        pass

    def execvp(_: str, arguments: Sequence[str]) -> None:
        called.append(arguments)
        raise Replaced

    monkeypatch.setattr(os, "execvp", execvp)
    reached = ["ssh", *ssh_arguments(Host("h", "203.0.113.9"), Path("known_hosts"))]
    with pytest.raises(Replaced):
        become_ssh(reached, command)
    assert called == [[*reached, *command]]
    assert reached[-2:] == ["--", "203.0.113.9"], (
        "so that ssh takes no word of the command for an option of its own"
    )
