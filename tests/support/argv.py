"""The command lines of all processes of this machine while something runs, those of its containers among them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["sampled_argv"]

_SECONDS = 0.1  # between two samples: what lives for less may be missed


@contextmanager
def sampled_argv() -> Iterator[set[str]]:
    """A set that fills with each command line that is seen, words separated by spaces."""
    seen: set[str] = set()
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SECONDS):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):  # it has ended
                    seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())

    thread = threading.Thread(target=sample, name="sampled argv")
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
