"""Private directories go with their process, and those of a killed one with the next command."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.base.lock import lab_lock
from pipeline.base.private import private_directory, sweep

HOLD = """
from pipeline.base.private import private_directory
with private_directory() as path:
    (path / "headers").write_text("Authorization: secret")
    print(path, flush=True)
    input()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files, of this process and of its children."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holder() -> tuple[subprocess.Popen[str], Path]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    return child, Path(child.stdout.readline().strip())


def test_a_private_directory_is_its_owners_and_gone_afterwards(temporary: Path) -> None:
    with private_directory() as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        (path / "body").write_text("a")
    assert list(temporary.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), private_directory():
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []


def test_that_of_a_killed_process_is_removed_by_the_next_command_and_no_other(temporary: Path) -> None:
    dead, left = holder()
    alive, kept = holder()
    with dead, alive:
        dead.kill()
        dead.wait()
        assert (left / "headers").exists()
        with lab_lock(temporary / "state"):
            pass
        assert not left.exists()
        assert (kept / "headers").exists()
        alive.communicate("\n")
    assert not kept.exists()


def test_only_directories_of_ours_are_swept(temporary: Path) -> None:
    other = temporary / "elsewhere"
    other.mkdir()
    (temporary / "pipeline-run-link").symlink_to(other)
    (temporary / "pipeline-run-file").write_text("")
    (temporary / "pipeline-defect-1.txt").write_text("")
    sweep()
    assert {path.name for path in temporary.iterdir()} == {
        "elsewhere",
        "pipeline-run-link",
        "pipeline-run-file",
        "pipeline-defect-1.txt",
    }


def test_a_control_socket_that_nobody_listens_at_is_swept_too(temporary: Path) -> None:
    left = temporary / "pipeline-run-left"
    left.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(left / "blue.ctl"))
    sweep()
    assert not left.exists()
