"""Private directories for sockets and secrets, removed by their process; those of a killed one are swept later.

Whether the process lives is not guessed by its number: it holds a lock on the directory, which the kernel frees.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["private_directory", "sweep"]

_PREFIX: Final = "pipeline-run-"
_UNLOCKED: Final = "pipeline-new-"
_EXIT_SECONDS: Final = 5


@contextmanager
def private_directory(within: Path | None = None) -> Iterator[Path]:
    """A directory of mode 0700 in `within`, the one for temporary files unless given; it is gone afterwards.

    Its path is short: those of UNIX sockets end at 108 bytes.
    """
    new = Path(tempfile.mkdtemp(prefix=_UNLOCKED, dir=within))
    lock = os.open(new, os.O_RDONLY)  # close-on-exec: no child holds it
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Under this name once it is locked: until then `sweep` would take it for one that is left over.
        path = new.rename(new.with_name(new.name.replace(_UNLOCKED, _PREFIX)))
        yield path
    finally:
        for left in (new, new.with_name(new.name.replace(_UNLOCKED, _PREFIX))):
            shutil.rmtree(left, ignore_errors=True)
        os.close(lock)


def sweep(*places: Path) -> None:
    """Remove the private directories of this user's processes that were killed, and end their SSH connections.

    They are looked for in the directory for temporary files, and in `places`.
    """
    for place in {Path(tempfile.gettempdir()), *places}:
        with contextlib.suppress(OSError):  # a clean-up keeps nobody from working
            for path in place.glob(f"{_PREFIX}*"):
                _remove_left(path)


def _remove_left(path: Path) -> None:
    with contextlib.suppress(OSError):  # another sweep was faster, or it is not ours
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(directory).st_uid != os.getuid():
                return
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for control in path.glob("*.ctl"):
                _end_connection(control)
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(directory)


def _end_connection(control: Path) -> None:
    """Ask the ssh that listens at a control socket to end; one that died has none to ask."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            ["ssh", "-S", str(control), "-O", "exit", "--", "nobody"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_EXIT_SECONDS,
            check=False,
        )
