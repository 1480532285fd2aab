"""What the build of a base box is at, by the lines of mmdebstrap: each stage as it begins, its length meanwhile."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["BoxProgress"]

_TOLD_EVERY: Final = 15.0  # seconds of a stage without a line of it
_STAGES: Final = {
    "running apt-get update": "reading the package lists",
    "downloading packages": "downloading the base system",
    "extracting archives": "unpacking the base system",
    "installing essential": "installing the base system",
    "installing remaining": "installing Node, HAProxy and the exporters",
    "running --customize-hook": "setting up the user, SSH and the network",
    "cleaning package lists": "removing what hosts do not need",
    "creating tarball": "packing the box",
}
_NEW: Final = re.compile(r"\d+ upgraded, (\d+) newly installed")
_DONE: Final = re.compile(r"Setting up \S+ ")


class BoxProgress:
    """Says each stage as it begins, and every few seconds how far it is; for the time of a `with`.

    `say` gets the lines. `every` is in seconds.

    >>> with BoxProgress(print) as progress:
    ...     progress.read("I: downloading packages with apt...")
    ...     progress.read("I: installing remaining packages inside the chroot...")
    ...     for line in ("0 upgraded, 40 newly installed, 0 to remove", "Setting up libc6:amd64 (2.36) ..."):
    ...         progress.read(line)
    ...     progress.state(12.3)
      downloading the base system
      installing Node, HAProxy and the exporters
    'installing Node, HAProxy and the exporters: 40 packages, 0 unpacked, 1 set up, 12 s'
    """

    def __init__(self, say: Callable[[str], None], every: float = _TOLD_EVERY) -> None:
        self._say, self._every = say, every
        self._waiting = dict(_STAGES)
        self._stage, self._began = "", time.monotonic()
        self._all = self._unpacked = self._done = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> BoxProgress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def read(self, line: str) -> None:
        """Take a line of mmdebstrap, or of what it runs."""
        for mark in [mark for mark in self._waiting if line.startswith("I: ") and mark in line]:
            self._stage, self._began = self._waiting.pop(mark), time.monotonic()
            self._all = self._unpacked = self._done = 0
            self._say(f"  {self._stage}")
        if found := _NEW.match(line):
            self._all = int(found[1])
        elif line.startswith("Unpacking "):
            self._unpacked += 1
        elif _DONE.match(line):
            self._done += 1

    def state(self, seconds: float) -> str:
        """The stage, how far its packages are, and for how long it has been at it."""
        packages = ""
        if self._unpacked or self._done:
            given = f"{self._all} packages, " if self._all else ""
            packages = f": {given}{self._unpacked} unpacked, {self._done} set up"
        return f"{self._stage or 'beginning'}{packages}, {seconds:.0f} s"

    def _tell(self) -> None:
        while not self._ended.wait(self._every):
            seconds = time.monotonic() - self._began
            if seconds >= self._every:
                self._say(f"  {self.state(seconds)}")
