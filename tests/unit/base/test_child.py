"""A child process never outlives the code that needs it, and neither does what it started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.base.child import ended, start, stop, tied


def sleeper(tmp_path: Path, *, deaf: bool = False) -> tuple[subprocess.Popen[bytes], int]:
    """A shell that waits for a `sleep`, and that one's process id; `deaf`: SIGTERM does not end them."""
    trap = "trap '' TERM; " if deaf else ""
    script = f"{trap}sleep 60 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait; sleep 60"
    child = start(["sh", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return child, int((tmp_path / "pid").read_text())


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_child_has_a_session_of_its_own_and_nothing_to_read(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        child = start(["sh", "-c", "cat; ps -o sid= -p $$"], stdout=out, stderr=subprocess.STDOUT)
        assert child.wait(10) == 0
    assert int((tmp_path / "out").read_text()) == child.pid != os.getsid(0)


@pytest.mark.parametrize(("deaf", "patience"), [(False, 10), (True, 0.2), (False, 0)])
def test_a_child_is_ended_with_all_that_it_started(tmp_path: Path, deaf: bool, patience: float) -> None:
    child, pid = sleeper(tmp_path, deaf=deaf)
    stop(child, patience)
    assert child.returncode is not None
    assert gone(pid)
    stop(child, patience)  # a second time finds nothing to do


def test_whatever_happens_inside_the_child_is_gone_afterwards(tmp_path: Path) -> None:
    child, pid = sleeper(tmp_path)
    with pytest.raises(KeyboardInterrupt), ended(child):
        raise KeyboardInterrupt
    assert child.returncode is not None
    assert gone(pid)


PARENT = """
import subprocess, sys, time
from pipeline.base.child import start
child = start(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, outlives=sys.argv[1] == "outlives")
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="a kernel and a setpriv of Linux are needed")
@pytest.mark.parametrize("word", ["dies", "outlives"])
def test_a_child_dies_with_a_parent_that_is_killed_unless_it_is_a_daemon(word: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, word], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    if word == "dies":
        assert gone(pid)
    else:
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)


def test_a_program_that_does_not_exist_is_still_told_by_its_name() -> None:
    assert tied(["no-such-program", "x"]) == ["no-such-program", "x"]
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        start(["no-such-program"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
