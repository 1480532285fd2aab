"""Listens to the steps of a command (pipeline/base/step_hook.py), and holds it as the awaited one begins."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

__all__ = ["Steps"]


class Steps:
    """The steps told at the UNIX socket `path`, in `seen`; `held` is set while the command waits in `awaited`.

    It waits there only once: at the step's first time, or at its time of that `number`.
    """

    def __init__(self, path: Path, awaited: str, number: int = 1) -> None:
        self.awaited = awaited
        self.number = number
        self.seen: list[str] = []
        self.held = threading.Event()
        self._waiting: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let the command go on."""
        if self._waiting is not None:
            self._waiting.close()

    def close(self) -> None:
        """Hang up; whoever waits goes on."""
        with contextlib.suppress(OSError):  # wakes the thread
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.go_on()

    def _follow(self) -> None:
        while True:
            try:
                told, _ = self._listener.accept()
            except OSError:
                return
            name = told.recv(1000).decode(errors="replace").strip()
            self.seen.append(name)
            if name == self.awaited and self.seen.count(name) == self.number:
                self._waiting = told
                self.held.set()
            else:
                told.close()
