"""Files that are made once and kept in the user's cache, however many hosts, threads and commands want them."""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["cached"]

_THREADS = threading.Lock()


def cached(path: Path, make: Callable[[Path], Path]) -> Path:
    """`path`, made now unless it is there.

    Args:
        path: Where it is kept; its directory is made.
        make: Gets an empty directory to work in, and returns the file in it. What a command that was killed left there
            is removed by the next one.

    What `make` raises is raised, and then nothing is kept.
    """
    directory = path.parent
    directory.mkdir(parents=True, exist_ok=True)
    work = directory / "work"
    with _THREADS, directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                # In one step: who is cut short leaves no half of a file.
                make(work).replace(path)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return path
