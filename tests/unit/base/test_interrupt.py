"""Signals end a command once, in order, and a clean-up never: with real signals, to a process of its own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

BEGIN = """
import asyncio, contextlib, os, sys, time
from pathlib import Path
from pipeline.base.interrupt import afterwards, held_back, run_async, unify_signals, uninterrupted
from pipeline.base.streams import outlast_readers
done = Path(sys.argv[1])
unify_signals()
"""
ENDS_IN_ORDER = """
def clean_up():
    print("clean-up begins", flush=True)
    (done / "begun").touch()
    time.sleep(1)
    (done / "cleaned").touch()
try:
    with afterwards("cleaning up", clean_up):
        (done / "ready").touch()
        time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""
ENDS_A_TASK = """
async def main():
    try:
        (done / "ready").touch()
        await asyncio.sleep(60)
    finally:
        (done / "begun").touch()
        await asyncio.sleep(1)
        (done / "cleaned").touch()
try:
    run_async(main())
except KeyboardInterrupt:
    sys.exit(130)
"""
COMES_TO_ITS_END = """
with uninterrupted("cleaning up"):
    (done / "ready").touch()
    time.sleep(1)
    (done / "cleaned").touch()
sys.exit(3 if held_back() else 4)
"""
BUSY_IN_A_TASK = """
async def main():
    (done / "ready").touch()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        pass
    return "a result"
try:
    run_async(main())
except KeyboardInterrupt:
    sys.exit(130)
"""
# As a loop is made, before the task is.
ENDS_BEFORE_ITS_TASK = """
async def main():
    (done / "begun").touch()
make = asyncio.new_event_loop
def new_event_loop():
    (done / "ready").touch()
    time.sleep(60)
    return make()
asyncio.runners.events.new_event_loop = new_event_loop
try:
    run_async(main())
except KeyboardInterrupt:
    sys.exit(130)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a script, and gives it once it is ready."""

    def begin(script: str, *wrapper: str, **streams: int) -> subprocess.Popen[str]:
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        child: subprocess.Popen[str] = subprocess.Popen(
            [*wrapper, sys.executable, "-c", BEGIN + script, str(tmp_path)], text=True, **given
        )  # type: ignore[call-overload] # pipes or not
        wait_for(tmp_path / "ready", child)
        return child

    return begin


def wait_for(path: Path, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("script", [ENDS_IN_ORDER, ENDS_A_TASK], ids=["plain", "task"])
def test_the_first_signal_ends_a_command_and_no_other_ends_its_clean_up(
    start: Start, tmp_path: Path, number: signal.Signals, script: str
) -> None:
    child = start(script)
    child.send_signal(number)
    wait_for(tmp_path / "begun", child)
    for _ in range(3):
        child.send_signal(number)
        time.sleep(0.05)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130, err
    assert (tmp_path / "cleaned").exists()
    assert "please wait" in err
    assert "Traceback" not in err


def test_signals_one_after_the_other_never_cut_a_clean_up(start: Start, tmp_path: Path) -> None:
    """Between the end of the inside and the clean-up there is a moment at which one may come, too."""
    child = start(ENDS_IN_ORDER)
    for _ in range(200):
        child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)
    assert child.returncode == 130
    assert (tmp_path / "cleaned").exists()


def test_what_is_uninterrupted_goes_on_and_who_asks_is_told(start: Start, tmp_path: Path) -> None:
    child = start(COMES_TO_ITS_END)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (3, "\ncleaning up, please wait\n")
    assert (tmp_path / "cleaned").exists()


def test_a_signal_that_a_task_has_no_more_time_for_is_not_lost(start: Start) -> None:
    child = start(BUSY_IN_A_TASK)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)
    assert child.returncode == 130


def test_a_signal_before_the_task_has_begun_ends_without_a_word(start: Start, tmp_path: Path) -> None:
    child = start(ENDS_BEFORE_ITS_TASK)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert err == ""
    assert not (tmp_path / "begun").exists()


def test_nohup_is_respected(start: Start, tmp_path: Path) -> None:
    child = start(COMES_TO_ITS_END, "nohup")
    child.send_signal(signal.SIGHUP)
    child.communicate(timeout=20)
    assert child.returncode == 4
    assert (tmp_path / "cleaned").exists()


def test_a_closed_terminal_does_not_stop_a_clean_up(start: Start, tmp_path: Path) -> None:
    """The kernel sends SIGHUP, and each write to that terminal raises EIO from then on."""
    master, slave = pty.openpty()
    loud = "outlast_readers()\n" + ENDS_IN_ORDER
    child = start(loud, "setsid", "--ctty", stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.close(master)
    assert child.wait(20) == 130
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_under_a_rain_of_signals_ends_with_an_exit_code_of_its_own(number: signal.Signals) -> None:
    """From before its modules are read until the process is gone: not killed by one, and without a traceback."""
    begin = """
import sys
from pipeline.__main__ import main
from pipeline.base.signals import hold_signals
hold_signals()
print(flush=True)
sys.argv[1:] = ["--version"]
main()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", begin], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout
    child.stdout.readline()
    while child.poll() is None:
        child.send_signal(number)
        time.sleep(0.0005)
    _, err = child.communicate()
    assert child.returncode in (0, 130), err
    assert "Traceback" not in err
