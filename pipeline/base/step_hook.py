"""A hook for tests: which step of a command begins, told at the moment when it begins.

Where the environment variable PIPELINE_STEP_HOOK is set, it names one of these:

a UNIX socket   the step's name is sent as a line, and the step begins once an answer of any kind has come, or the
                other side has hung up: whoever listens there can act (a signal, a host that dies) at that very moment
a file          the step's name is appended as a line, and the step begins at once; the file may be a FIFO

The steps of `pipeline canary`, in their order: `plan`, `lab`, `deploy`, `operation NAME` (each of pyinfra's),
`connect`, `pilot`, `probe`, `load`, `warmup blue`, `measure blue`, `warmup green`, `measure green` (`both` in place of
a colour; again in each slice), `save`, `judge`, `promote` or `rollback`, `persist`, `report`, `remove`, `mark`, `show`.
`pipeline deploy` has `operation NAME`. Nothing that goes wrong with the hook changes what the command does.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Final

__all__ = ["STEP_HOOK", "begins"]

STEP_HOOK: Final = "PIPELINE_STEP_HOOK"


def begins(step: str) -> None:
    """The step of this name begins now."""
    if not (given := os.environ.get(STEP_HOOK)):
        return
    with contextlib.suppress(OSError):
        if Path(given).is_socket():
            with socket.socket(socket.AF_UNIX) as listener:
                listener.connect(given)
                listener.sendall(f"{step}\n".encode())
                listener.recv(1)
        else:
            with Path(given).open("a") as file:
                file.write(f"{step}\n")
