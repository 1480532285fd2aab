"""Files that are written whole or not at all, and files that only their owner may read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["READABLE", "naming", "open_private", "write_whole"]

READABLE: Final = "others can read this file"  # what open_private says where `chmod 600` is the cure


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError from in here names `path`, unless it names one: what a write raises, as on a full disk, has none."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


def write_whole(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Replace the file at `path`. Whoever reads it meanwhile sees the old content or the new, never a part.

    What is no file there, such as /dev/stdout or a pipe, is written to and stays what it is.

    Args:
        path: The file; its directory must exist.
        data: Its new content; text is written as UTF-8.
        mode: Its permissions afterwards, but for those that the umask takes away.

    Raises:
        OSError: It could not be written. The old file is then as it was, and nothing else is left behind.
    """
    if _in_place(path):
        with naming(path), path.open("wb") as there:
            there.write(data.encode() if isinstance(data, str) else data)
        return
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with naming(path), os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_directory(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        raise


def _in_place(path: Path) -> bool:
    """Whether no other file may come in place of what is at `path`, as root could do it to a device."""
    where = path.absolute()
    if where.is_relative_to("/dev") or where.is_relative_to("/proc"):  # /dev/stdout may lead to a file
        return not where.is_relative_to("/dev/shm")  # noqa: S108 - files are kept there
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(kind) and not stat.S_ISDIR(kind)


def _sync_directory(path: Path) -> None:
    """After a power cut the new file is there, not only its content: of what was killed, run.json tells."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system that cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_private(path: Path) -> BinaryIO:
    """Open a file, or a pipe, that nobody but its owner can read.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is neither a file nor a pipe, is READABLE by others, or has no path. The message says which.
    """
    try:
        file = path.open("rb")
    except ValueError:  # a NUL in it
        raise ValueError("cannot be read: not a path") from None
    # Of what was opened: a name can be given to another file meanwhile.
    state = os.fstat(file.fileno())
    if stat.S_ISREG(state.st_mode) or stat.S_ISFIFO(state.st_mode):
        if not state.st_mode & 0o077:
            return file
        said = READABLE
    else:
        said = "neither a file nor a pipe"
    file.close()
    raise ValueError(said)
