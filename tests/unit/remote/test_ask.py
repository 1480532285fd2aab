"""A command on a host, with an ssh that is a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.inventory.hosts import Host
from pipeline.remote.ask import Answer, ask, ask_all

HOSTS = [Host(name, "192.0.2.7") for name in ("a", "b", "c")]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The script that stands for ssh."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "ssh").touch(mode=0o755)
    return tmp_path / "ssh"


def test_an_answer_is_the_status_the_output_and_the_last_line_of_the_complaint(ssh: Path) -> None:
    ssh.write_text(
        '#!/bin/sh\nfor last; do :; done\necho "$last: $(cat)"\nprintf "one\\n two \\n\\n" >&2\nexit 3\n'
    )
    answer = ask(HOSTS[0], "wc -c", known_hosts=Path("known"), seconds=10, stdin="words")
    assert (answer.status, answer.stdout) == (3, "wc -c: words\n")
    assert answer.said("nothing") == "two"
    assert Answer(1).said("nothing") == "nothing"


def test_a_command_that_does_not_end_in_time_has_no_status(ssh: Path) -> None:
    ssh.write_text("#!/bin/sh\nexec sleep 60\n")
    assert ask(HOSTS[0], "true", known_hosts=Path("known"), seconds=0.2).status is None


def test_without_ssh_there_is_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        ask(HOSTS[0], "true", known_hosts=Path("known"), seconds=1)


def test_all_hosts_are_asked_and_the_answers_come_in_their_order() -> None:
    assert ask_all(HOSTS, lambda host: host.name.upper()) == list(zip(HOSTS, "ABC", strict=True))
