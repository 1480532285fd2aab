"""One run at a time on a lab. The kernel frees the lock when its holder dies: a stale file blocks nobody."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import LockedError
from pipeline.mirror import redact

__all__ = ["lab_lock"]


@contextmanager
def lab_lock(directory: Path) -> Iterator[None]:
    """Holds `directory`/lab.lock, which names this process. Raises LockedError naming the one that holds it.

    `directory` is the checkout's state directory; it is made when absent. The file stays: removing it could
    let two processes hold locks on two files of the same name.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Python opens it close-on-exec: a child that outlives us does not keep the lock.
    descriptor = os.open(directory / "lab.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 500, 0).decode(errors="replace").strip()
            raise LockedError(
                f"another command is using this lab: {holder or 'it has just started'}",
                hint="wait for it to end; a second checkout has a lab of its own",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()}: {_command()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _command() -> str:
    """What this process does, in one printable line."""
    words = " ".join([Path(sys.argv[0]).name, *map(redact, sys.argv[1:])])
    return "".join(char if char.isprintable() else " " for char in words)[:200]
