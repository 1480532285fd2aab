"""Child processes of the lab: each in its own session, its output in a log, ended with all it started."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import LabError

__all__ = ["run", "stop", "tail"]

# Ruby's backtraces, progress bars, and what Vagrant and mmdebstrap say after the reason tell a user nothing.
NOISE = re.compile(
    r"^(/\S+\.rb:\d+|[=\-\s]*$|.*\(Rate: |Please report this as a bug|Any errors that occurred"
    r"|I: |E: mmdebstrap failed to run|E: apt-get .* failed|E: Some index files failed)"
)


def run(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 600,
    what: str = "",
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Runs `command` with its output appended to `log`, and each line of it also given to `on_line`.

    `what` names the step in the error (default: the command's first two words). Raises LabError when the
    command is missing, fails, or takes longer than `seconds`. Whatever ends the wait, Ctrl-C too, ends the
    command and its children.
    """
    what = what or " ".join(command[:2])
    with log.open("ab") as sink:
        start = sink.tell()
        try:
            child = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise LabError(f"{command[0]} is not installed", hint="make setup") from None
    try:
        status = _follow(child, log, start, seconds, on_line)
    except subprocess.TimeoutExpired:
        stop(child)
        raise LabError(
            f"{what} took longer than {seconds:.0f} s: {tail(log, start)}", hint=f"see {log}"
        ) from None
    except BaseException:
        stop(child)
        raise
    if status != 0:
        raise LabError(f"{what} failed: {tail(log, start)}", hint=f"see {log}")


def _follow(
    child: subprocess.Popen[bytes],
    log: Path,
    start: int,
    seconds: float,
    on_line: Callable[[str], None] | None,
) -> int:
    deadline = time.monotonic() + seconds
    with log.open("rb") as lines:
        lines.seek(start)
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=0.1)
            for line in lines:
                if on_line is not None:
                    on_line(line.decode(errors="replace").rstrip())
            if child.returncode is not None:
                return child.returncode
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(child.args, seconds)


def stop(child: subprocess.Popen[bytes], patience: float = 10) -> None:
    """Ends a child that has its own session, and all it started: SIGTERM, after `patience` s SIGKILL."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=patience)
            if sign is signal.SIGKILL:
                return
    child.wait()


def tail(log: Path, start: int = 0) -> str:
    """For an error message: the last line of `log` after byte `start` that says something, printable."""
    with log.open("rb") as lines:
        lines.seek(start)
        text = lines.read().decode(errors="replace")
    said = [
        re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f]", "", line).strip() for line in text.splitlines()
    ]
    said = [line for line in said if line and not NOISE.match(line)]
    return said[-1] if said else "no output"
