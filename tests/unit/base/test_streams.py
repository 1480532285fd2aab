"""Whoever reads our output may leave, and the terminal may close: the exit code stays what it is."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pipeline.base.streams import lost_output, outlast_readers
outlast_readers()
for _ in range(3):
    print("x" * 100_000)
    print("y", file=sys.stderr)
opened = open(sys.argv[1])
why = lost_output()
if why:
    print(why, file=sys.stderr)
sys.exit(10 + opened.fileno() if opened.fileno() < 3 else 7)
"""


def run(how: str) -> subprocess.CompletedProcess[str]:
    """The script, called as `how` says: `{}` is its command line."""
    command = f"{sys.executable} -c '{SCRIPT}' {__file__}"
    return subprocess.run(["bash", "-c", how.format(command)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "how",
    [
        "{} | head -c 1; exit ${{PIPESTATUS[0]}}",
        "{} | true; exit ${{PIPESTATUS[0]}}",
        "{} 2>&1 | true; exit ${{PIPESTATUS[0]}}",
        "{} >&-",
        "{} >&- 2>&-",
        "{} <&- >&- 2>&-",
        "{} 2>&- | cat; exit ${{PIPESTATUS[0]}}",
    ],
)
def test_a_reader_that_leaves_or_was_never_there_changes_nothing(how: str) -> None:
    ended = run(how)
    assert ended.returncode == 7, ended.stderr
    assert "Broken pipe" not in ended.stderr
    assert "Error" not in ended.stderr


def test_a_full_disk_is_no_reader_that_left() -> None:
    ended = run("{} >/dev/full")
    assert ended.returncode == 7
    assert "No space left on device" in ended.stderr


def test_all_is_written_to_a_pipe_that_another_program_made_non_blocking() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, fcntl.fcntl(writing, fcntl.F_GETFL) | os.O_NONBLOCK)
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, __file__], stdout=writing, stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, child:
        assert len(pipe.read()) == 300_003
    assert child.returncode == 7
