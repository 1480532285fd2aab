"""The loader as a child process, as far as its end is told."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.base.errors import LoadError
from pipeline.canary.loader import Loader


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system without room."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=True)
    with (tmp_path / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 64 * 1024)
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def test_a_loader_that_could_not_log_for_want_of_space_is_told_by_its_file(full_disk: Path) -> None:
    loader = Loader(["--no-such-option"], full_disk / "loadgen.log")
    with pytest.raises(LoadError, match=rf"{full_disk}/loadgen\.log: No space left on device"):
        asyncio.run(loader.start())


def test_the_loader_goes_before_busy_neighbours(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may raise a priority")

    async def priority() -> int:
        arguments = ["http://127.0.0.1:9/", "--rate", "1", "--duration", "60s"]
        loader = Loader(arguments, tmp_path / "loadgen.log")
        await loader.start()
        assert loader._process is not None
        try:
            return os.getpriority(os.PRIO_PROCESS, loader._process.pid)
        finally:
            await loader.stop()

    assert asyncio.run(priority()) < os.getpriority(os.PRIO_PROCESS, 0)
