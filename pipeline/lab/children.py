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

from pipeline.base.errors import LabError

__all__ = ["run", "stop", "stop_left", "tail"]

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
    note: Path | None = None,
) -> None:
    """Runs `command` with its output appended to `log`, and each line of it also given to `on_line`.

    `what` names the step in the error (default: the command's first two words). Raises LabError when the
    command is missing, fails, or takes longer than `seconds`. Whatever ends the wait, Ctrl-C too, ends the
    command and its children; only SIGKILL does not, and then `stop_left` finds them by the file `note`.
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
    if note is not None:
        note.write_text(f"{child.pid} {_birth(child.pid)}")
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
    finally:
        if note is not None:
            note.unlink(missing_ok=True)
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


def stop_left(note: Path, patience: float = 10) -> None:
    """Ends what a `run` noted there and could not end, as it was killed itself. The caller knows that it was."""
    try:
        pid, birth = map(int, note.read_text().split())
    except (OSError, ValueError):
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + patience
        if birth and _birth(pid) == birth:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, sign)
        while birth and _birth(pid) == birth and time.monotonic() < deadline:
            time.sleep(0.05)
    note.unlink(missing_ok=True)


def _birth(pid: int) -> int:
    """When the process started, in ticks since boot (proc(5), stat): no other has its number and this. 0: ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if state == "Z" else int(fields[18])


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
