"""What is done about a verdict: a command of the user's, without a shell, with the verdict's JSON on its input."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys

from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.base.text import reason_of

__all__ = ["parse_command", "perform"]


def parse_command(text: str, option: str) -> tuple[str, ...]:
    """The words of a command, whose program is there. Raises UsageError: the end of the wait is too late for that."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if not words:
        raise UsageError(f"{option}: no command is given")
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"{option}: there is no program {words[0]!r}",
            hint="it is run without a shell: for a shell's words write a script, or sh -c '...'",
        )
    return tuple(words)


def perform(command: tuple[str, ...], document: str, option: str) -> None:
    """Run it to its end; what it prints goes to stderr, so that stdout stays the verdict's.

    Raises EnvironmentError_ where it cannot be run or ends with another code than 0.
    """
    try:
        child = subprocess.run(
            command, input=document.encode(), stdout=sys.stderr.fileno(), check=False, close_fds=True
        )
    except OSError as error:
        raise EnvironmentError_(f"{option}: {command[0]} cannot be run: {reason_of(error)}") from None
    if child.returncode:
        how = (
            f"ended with code {child.returncode}"
            if child.returncode > 0
            else f"was killed by signal {-child.returncode}"
        )
        raise EnvironmentError_(f"{option}: {command[0]} {how}", hint=shlex.join(command))
