"""Commands of the lab: the output of each in a log, what failed in one line, none left over."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.child import start, stop
from pipeline.base.errors import LabError
from pipeline.base.text import last_line

__all__ = ["OUTLIVING", "Limits", "call", "run", "stop_left", "tail"]

# Ruby's backtraces, progress bars, and what Vagrant and mmdebstrap say after the reason tell a user nothing.
_NOISE = re.compile(
    r"^(/\S+\.rb:\d+|[=\-\s]*$|.*\(Rate: |Please report this as a bug|Any errors that occurred"
    r"|I: |E: mmdebstrap failed to run|E: apt-get .* failed|E: Some index files failed)"
)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")

# Daemons that outlive this process on purpose; held, so that Python does not warn that they still run.
OUTLIVING: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class Limits:
    """How many `seconds` a command may take, and how many of `patience` it has to end after SIGTERM."""

    seconds: float = 600
    patience: float = 10


_USUAL = Limits()


def run(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limits: Limits = _USUAL,
    what: str = "",
    failed: str = "",
    on_line: Callable[[str], None] | None = None,
    note: Path | None = None,
) -> None:
    """Run `command` to its end. Whatever ends the wait, Ctrl-C too, ends the command and its children.

    Args:
        command: Program and arguments.
        log: Its output is appended here.
        cwd: Its working directory; this process's own unless given.
        env: Its environment; this process's own unless given.
        limits: How long it may take, and how long it has to end once it was told to.
        what: Names the step in errors; default: the first two words of the command.
        failed: Begins the error of a command that fails; default: `what` and "failed".
        on_line: Also gets each line of the output, while the command runs.
        note: A file that names the process while it runs: were this process killed with SIGKILL, `stop_left`
            ends the command by it.

    Raises:
        LabError: The command is missing, fails, or takes too long.
    """
    what = what or " ".join(command[:2])
    with log.open("ab") as sink:
        begin = sink.tell()
        try:
            # Of Vagrant the kernel would end only the first process: stop_left ends all, as the next command begins.
            child = start(
                command, stdout=sink, stderr=subprocess.STDOUT, cwd=cwd, env=env, outlives=note is not None
            )
        except FileNotFoundError:
            raise LabError(f"{command[0]} is not installed", hint="make setup") from None
    if note is not None:
        note.write_text(f"{child.pid} {_birth(child.pid)}")
    try:
        status = _follow(child, log, begin, limits.seconds, on_line)
    except subprocess.TimeoutExpired:
        stop(child, limits.patience)
        raise LabError(
            f"{what} took longer than {limits.seconds:.0f} s: {tail(log, begin)}", hint=f"see {log}"
        ) from None
    except BaseException:
        stop(child, limits.patience)
        raise
    finally:
        if note is not None:
            note.unlink(missing_ok=True)
    if status != 0:
        raise LabError(f"{failed or f'{what} failed'}: {tail(log, begin)}", hint=f"see {log}")


def call(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """What a short command ends with, and what it prints.

    It raises nothing: a command that is missing ends with 127, as in a shell, and one that takes longer than `seconds`
    with 124, as with timeout(1).
    """
    try:
        return subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except OSError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        message = f"{command[0]} took longer than {seconds:.0f} s"
        return subprocess.CompletedProcess(command, 124, "", message)


def _follow(
    child: subprocess.Popen[bytes],
    log: Path,
    begin: int,
    seconds: float,
    on_line: Callable[[str], None] | None,
) -> int:
    deadline = time.monotonic() + seconds
    with log.open("rb") as lines:
        lines.seek(begin)
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


def tail(log: Path, begin: int = 0) -> str:
    """For an error message: the last line of `log` after byte `begin` that says something, printable."""
    with log.open("rb") as lines:
        lines.seek(begin)
        text = lines.read().decode(errors="replace")
    said = (_ESCAPES.sub("", line).strip() for line in text.splitlines())
    return last_line("\n".join(line for line in said if not _NOISE.match(line)), "no output")
