"""One command at a time on a lab, or on the hosts of an inventory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.errors import LockedError
from pipeline.base.lock import inventory_lock, lab_lock, lock_of

HOLD = """
import sys
from pathlib import Path
from pipeline.base.lock import lab_lock
with lab_lock(Path(sys.argv[1])):
    print(flush=True)
    input()
"""


def test_a_second_command_is_told_who_holds_the_lab(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError, match=rf"pid {holder.pid}: ") as caught, lab_lock(tmp_path):
            pass
        assert caught.value.exit_code == 3
        holder.kill()
        holder.wait()
    with lab_lock(tmp_path):  # the kernel freed it
        assert f"pid {os.getpid()}: " in (tmp_path / "lab.lock").read_text()


def test_a_child_does_not_keep_the_lab_locked(tmp_path: Path) -> None:
    with lab_lock(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with lab_lock(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()


def test_the_lock_names_the_command_without_the_password_in_its_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["pipeline", "canary", "--repo", "https://me:secret@example.org/x.git"])
    with lab_lock(tmp_path):
        with pytest.raises(LockedError) as refused, lab_lock(tmp_path):
            pass
        assert "example.org" in refused.value.message
        assert "secret" not in refused.value.message


def test_a_lab_and_two_inventories_are_used_at_the_same_time(tmp_path: Path) -> None:
    with (
        lock_of(tmp_path, None),
        lock_of(tmp_path, tmp_path / "one.ini"),
        lock_of(tmp_path, tmp_path / "two.ini"),
    ):
        with pytest.raises(LockedError, match="using this lab"), lab_lock(tmp_path):
            pass
        with pytest.raises(LockedError, match=r"using the hosts of .*one\.ini"):
            inventory_lock(tmp_path, tmp_path / "x" / ".." / "one.ini").__enter__()
