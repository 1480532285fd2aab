"""Standard streams that no reader can break: who leaves, or a terminal that closes, must not end what is under way.

Python raises at each write to a pipe that nobody reads (EPIPE), to a terminal that is gone (EIO), to a disk that is
full (ENOSPC); and it has no stream at all where a descriptor was closed before it began (`>&-`). Here such a write is
given up, and what the command does goes on to its own end and its own exit code.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
from typing import Any, Final, TextIO

from pipeline.base.text import reason_of

__all__ = ["lost_output", "outlast_readers"]

_LEFT: Final = (
    errno.EPIPE,
    errno.EIO,
    errno.EBADF,
    errno.ENXIO,
)  # what a write says when nobody is there any more
_lost: Final[list[OSError]] = []


class _Outlasting(io.FileIO):
    """A descriptor for writing; what can no longer be written is dropped."""

    def write(self, data: Any, /) -> int:
        try:
            while (written := super().write(data)) is None:  # a program that shares it made it non-blocking
                select.select([], [self], [])
        except OSError as error:
            if error.errno not in _LEFT and self.fileno() == 1:
                _lost.append(error)
            return len(memoryview(data).cast("B"))
        return written


def outlast_readers() -> None:
    """From here on stdout and stderr raise nothing when they are written; call it before anything is."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Else the next file that is opened, a lock or a connection, would be what the children print to.
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout, sys.stderr = _outlasting(sys.stdout, 1), _outlasting(sys.stderr, 2)


def lost_output() -> str:
    """Why a part of stdout could not be written; empty where all was, or where its reader left."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    return reason_of(_lost[0]) if _lost else ""


def _outlasting(stream: TextIO | None, descriptor: int) -> TextIO:
    """A stream to `descriptor` that writes as `stream` does."""
    raw = _Outlasting(descriptor, "w", closefd=False)
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)
    with contextlib.suppress(OSError):
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        stream.encoding,
        stream.errors,
        line_buffering=descriptor == 2 or stream.isatty(),
    )
