"""Child processes: each in a session of its own, without input, and ended together with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["Output", "ended", "start", "stop"]

Output = IO[bytes] | int  # a file, subprocess.PIPE, subprocess.DEVNULL; for stderr also subprocess.STDOUT


def start(
    command: Sequence[str],
    *,
    stdout: Output,
    stderr: Output,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` with an empty standard input, in a session of its own.

    In its own session it does not get the terminal's Ctrl-C: this process does, and then ends it in order.

    Args:
        command: Program and arguments.
        stdout: Where its output goes.
        stderr: Where its errors go.
        cwd: Its working directory; this process's own unless given.
        env: Its environment; this process's own unless given.

    Raises:
        FileNotFoundError: There is no such program.
    """
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def stop(child: subprocess.Popen[bytes], patience: float = 10) -> None:
    """End a child that `start` made and all that it started: SIGTERM, then SIGKILL after `patience` seconds.

    SIGKILL comes as well when the child ends in time, for those of its children that do not. A `patience` of 0
    sends SIGKILL at once.
    """
    if patience > 0:
        _signal(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=patience)
    _signal(child, signal.SIGKILL)
    child.wait()


@contextmanager
def ended(child: subprocess.Popen[bytes], patience: float = 5) -> Iterator[None]:
    """Whatever happens inside, the child has ended afterwards, and its pipes are closed."""
    try:
        yield
    finally:
        if child.poll() is None:
            stop(child, patience)
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
