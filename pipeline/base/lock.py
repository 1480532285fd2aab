"""One command at a time on a lab, or on an inventory.

The kernel frees a lock when its holder dies: a file that is left over blocks nobody. What else a killed command left
behind is removed when the next one takes a lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pipeline.base.errors import LockedError
from pipeline.base.mask import hide
from pipeline.base.private import sweep
from pipeline.base.text import printable, redact

__all__ = ["hosts_lock", "inventory_lock", "lab_lock", "lock_of", "waiting_lock"]


def lab_lock(directory: Path) -> AbstractContextManager[None]:
    """Holds `directory`/lab.lock, which names this process. Raises LockedError naming the one that holds it.

    `directory` is the state directory of a set of hosts; it is made when absent.
    """
    return _held(
        directory / "lab.lock",
        "another command is using this lab",
        "wait for it to end; a second checkout has a lab of its own",
    )


def inventory_lock(directory: Path, inventory: Path) -> AbstractContextManager[None]:
    """Holds the hosts of one inventory file, for the commands of this workplace that change them.

    `directory` is the workplace's state directory; the file may be named in any way that leads to it. Raises
    LockedError naming the command that holds it.
    """
    digest = hashlib.sha256(str(inventory.resolve()).encode()).hexdigest()[:16]
    return _held(
        directory / f"inventory-{digest}.lock",
        f"another command is using the hosts of {inventory}",
        "wait for it to end",
    )


def lock_of(directory: Path, inventory: Path | None) -> AbstractContextManager[None]:
    """The `inventory_lock` of a user's own hosts, or the `lab_lock` where no inventory file is given."""
    return lab_lock(directory) if inventory is None else inventory_lock(directory, inventory)


def hosts_lock(directory: Path) -> AbstractContextManager[None]:
    """Holds `directory`/hosts.lock, for hosts that every checkout of this user shares; as `lab_lock`."""
    return _held(
        directory / "hosts.lock",
        "another command is using these hosts",
        "wait for it to end; or another name: in prod.yml",
    )


@contextmanager
def waiting_lock(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the file `path`, once no other process does; `waiting` is called when one does. Its directory exists."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _held(path: Path, busy: str, hint: str) -> Iterator[None]:
    """The file stays: removing it could let two processes hold locks on two files of the same name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Close-on-exec: a child that outlives us does not keep the lock.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 500, 0).decode(errors="replace").strip()
            raise LockedError(f"{busy}: {holder or 'it has just started'}", hint=hint) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()}: {_command()}\n".encode(), 0)
        sweep()
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _command() -> str:
    """What this process does, in one printable line."""
    words = " ".join([Path(sys.argv[0]).name, *map(redact, sys.argv[1:])])
    return printable(hide(words), 200)
