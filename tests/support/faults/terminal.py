"""A pseudo-terminal whose window can be closed."""

from __future__ import annotations

import os
import pty
import select
import threading
from pathlib import Path

__all__ = ["Terminal"]


class Terminal:
    """`end` is what a command gets as its standard streams."""

    def __init__(self) -> None:
        self._window, self.end = pty.openpty()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, file: Path) -> None:
        """The command has its end: what it prints from now on goes to `file`."""
        os.close(self.end)
        self._thread = threading.Thread(target=self._read, args=[file], daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the window: the kernel sends SIGHUP, and every write fails from then on."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _read(self, file: Path) -> None:
        with file.open("ab", buffering=0) as sink:
            while not self._closing.is_set():
                if not select.select([self._window], [], [], 0.05)[0]:
                    continue
                try:
                    sink.write(os.read(self._window, 65536))
                except OSError:  # the command has ended
                    break
        os.close(self._window)
