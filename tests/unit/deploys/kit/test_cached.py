"""Files that are made once and kept: who makes them, and what a command that was cut short leaves."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploys.kit.cached import cached
from pipeline.base.places import ROOT

# Makes the file named by its argument, says so once it has begun, and goes on until it is killed.
CUT_SHORT = """
import sys, time
from pathlib import Path
from deploys.kit.cached import cached
def make(work):
    (work / "half").write_text("half of it")
    print("begun", flush=True)
    time.sleep(60)
cached(Path(sys.argv[1]), make)
"""


def test_many_that_want_it_at_once_make_it_once(tmp_path: Path) -> None:
    made = []

    def make(work: Path) -> Path:
        made.append(work)
        (work / "file").write_text("whole")
        return work / "file"

    with ThreadPoolExecutor() as pool:
        paths = {*pool.map(lambda _: cached(tmp_path / "kept" / "file", make), range(4))}
    assert [path.read_text() for path in paths] == ["whole"]
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["file"]


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def make(work: Path) -> Path:
        (work / "half").write_text("half of it")
        raise OSError("no more room")

    with pytest.raises(OSError, match="no more room"):
        cached(tmp_path / "kept" / "file", make)
    assert [*(tmp_path / "kept").iterdir()] == []


def test_what_a_killed_command_left_is_removed_by_the_next_and_not_taken_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "file"
    with subprocess.Popen(
        [sys.executable, "-c", CUT_SHORT, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "begun\n"
        killed.kill()
    assert not path.exists()

    def make(work: Path) -> Path:
        assert [*work.iterdir()] == []
        (work / "file").write_text("whole")
        return work / "file"

    assert cached(path, make).read_text() == "whole"
    assert [each.name for each in path.parent.iterdir()] == ["file"]
