"""Child processes: each in a session of its own, without input, and ended together with all that it started.

They end with this process however that ends, SIGKILL too: the kernel sends them SIGTERM then (prctl(2),
PR_SET_PDEATHSIG). setpriv sets that before the program begins; where there is none, as on macOS, only `stop` ends them.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

__all__ = ["Output", "ended", "start", "stop", "tied"]

# Who was killed before setpriv had spoken to the kernel is missed by that: the parent is another one by now.
_UNLESS_ORPHANED: Final = '[ "$PPID" = "$0" ] && exec "$@"'

Output = IO[bytes] | int  # a file, subprocess.PIPE, subprocess.DEVNULL; for stderr also subprocess.STDOUT


def start(
    command: Sequence[str],
    *,
    stdout: Output,
    stderr: Output,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    outlives: bool = False,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` with an empty standard input, in a session of its own.

    In its own session it does not get the terminal's Ctrl-C: this process does, and then ends it in order.

    Args:
        command: Program and arguments.
        stdout: Where its output goes.
        stderr: Where its errors go.
        cwd: Its working directory; this process's own unless given.
        env: Its environment; this process's own unless given.
        outlives: Whether it goes on when this process is killed: a daemon, or what is ended in another way.
        pass_fds: What is open here and stays so there, such as a socket.

    Raises:
        FileNotFoundError: There is no such program.
    """
    return subprocess.Popen(
        command if outlives else tied(command),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        pass_fds=pass_fds,
    )


def tied(command: Sequence[str]) -> list[str]:
    """`command` so that it gets SIGTERM when the thread that starts it ends, be it by SIGKILL of this process.

    A program that does not exist stays as it is: starting it says so.
    """
    setpriv = _setpriv()
    if not setpriv or not shutil.which(command[0]):
        return [*command]
    return [setpriv, "--pdeathsig", "TERM", "--", "sh", "-c", _UNLESS_ORPHANED, str(os.getpid()), *command]


@functools.cache
def _setpriv() -> str:
    """util-linux's setpriv; empty where there is none, or one that cannot do this, as busybox's."""
    path = shutil.which("setpriv")
    if path is None:
        return ""
    said = subprocess.run(
        [path, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return path if "--pdeathsig" in said.stdout else ""


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
