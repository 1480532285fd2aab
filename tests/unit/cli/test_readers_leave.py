"""A verdict keeps its exit code whoever reads it, whole, in part or not at all."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from tests.support.run_files import row, write


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose canary fails."""
    rows = [row(n / 10, "blue") for n in range(620)]
    rows += [row(n / 10, "green", status=500) for n in range(620, 1240)]
    write(tmp_path, rows)
    return tmp_path


@pytest.mark.parametrize(
    "how",
    [
        "{} | head -1",
        "{} --json | true",
        "{} 2>&1 | true",
        "{} >&-",
        "{} --json >&- 2>&-",
        "{} > /dev/full",
    ],
)
def test_a_canary_that_failed_ends_with_10(run: Path, how: str) -> None:
    command = f"{sys.executable} -m pipeline judge {run}"
    ended = subprocess.run(
        ["bash", "-c", f"{how.format(command)}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    assert ended.returncode == Exit.FAILED, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "defect" not in ended.stderr


def test_a_terminal_that_is_gone_is_a_reader_that_left(run: Path) -> None:
    master, slave = pty.openpty()
    os.close(master)
    streams = {"stdin": slave, "stdout": slave, "stderr": slave}
    child = subprocess.Popen([sys.executable, "-m", "pipeline", "judge", str(run)], cwd=ROOT, **streams)  # type: ignore[call-overload] # three streams
    os.close(slave)
    assert child.wait(60) == Exit.FAILED


def test_output_that_was_asked_for_and_finds_no_room_is_an_error() -> None:
    command = f"{sys.executable} -m pipeline faults > /dev/full"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == Exit.ENVIRONMENT
    assert ended.stderr == "pipeline: standard output could not be written: No space left on device\n"
