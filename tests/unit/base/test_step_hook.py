"""The hook that tests use to act at the moment when a step of a command begins."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from pipeline.base.step_hook import STEP_HOOK, begins


def test_each_step_is_a_line_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STEP_HOOK, str(tmp_path / "steps"))
    begins("lab")
    begins("operation Run HAProxy")
    assert (tmp_path / "steps").read_text() == "lab\noperation Run HAProxy\n"


def test_a_step_waits_for_the_answer_of_who_listens_at_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "socket"
    monkeypatch.setenv(STEP_HOOK, str(path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        step = threading.Thread(target=begins, args=["judge"], daemon=True)
        step.start()
        heard, _ = listener.accept()
        with heard:
            assert heard.makefile().readline() == "judge\n"
            assert step.is_alive()
            heard.sendall(b"\n")
            step.join(10)
            assert not step.is_alive()


@pytest.mark.parametrize("path", ["", "no/such/folder/steps"])
def test_a_hook_that_is_not_there_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(STEP_HOOK, path)
    begins("lab")
    assert list(tmp_path.iterdir()) == []


def test_a_listener_that_hangs_up_lets_the_step_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "socket"
    monkeypatch.setenv(STEP_HOOK, str(path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        step = threading.Thread(target=begins, args=["judge"], daemon=True)
        step.start()
        listener.accept()[0].close()
        step.join(10)
        assert not step.is_alive()
