"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.files import naming, write_whole


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("old")
    write_whole(path, "ä new one", mode=0o600)
    assert path.read_text(encoding="utf-8") == "ä new one"
    assert path.stat().st_mode & 0o777 == 0o600
    write_whole(path, b"\x00\xff")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"\x00\xff", 0o644)
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_may_read_what_the_umask_keeps_from_them(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "record", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\udc80")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    (folder := tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(folder, "x")
    assert sorted(tmp_path.iterdir()) == [folder, path]


def test_what_a_write_raises_names_its_file() -> None:
    """The operating system says of a write on a full disk only that there is no space, and not where."""
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"), naming(Path("/dev/full")):
        Path("/dev/full").write_text("x")
    with pytest.raises(FileNotFoundError, match="'/no/such/file'"), naming(Path("/dev/full")):
        Path("/no/such/file").read_text()


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "whole")
        assert os.read(reader, 100) == b"whole"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_standard_output_is_written_to_and_its_device_stays(tmp_path: Path) -> None:
    """As root, a file took the place of /dev/stdout. Here it is a link of the test's own that leads there."""
    code = "from pathlib import Path; from pipeline.base.files import write_whole; write_whole(Path('{}'), 'whole')"
    link = tmp_path / "stdout"
    link.symlink_to("/proc/self/fd/1")
    for path in (str(link), "/proc/self/fd/1"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(path)], capture_output=True, text=True, check=True
        )
        assert done.stdout == "whole"
    assert link.is_symlink()
    with (tmp_path / "out").open("w") as out:
        subprocess.run([sys.executable, "-c", code.format("/proc/self/fd/1")], stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "stdout"]
