"""One command on a host over SSH, with a time limit; and the same question to many hosts at once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.base.child import tied
from pipeline.base.text import last_line
from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import ssh_arguments

__all__ = ["Answer", "ask", "ask_all"]

_T = TypeVar("_T")
_AT_ONCE = 16  # hosts that are asked side by side


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command on a host ended with, and what it printed.

    `status` is its exit status, ssh's own (255) where there was no connection, and None when it did not end in time.
    """

    status: int | None
    stdout: str = ""
    stderr: str = ""

    def said(self, default: str) -> str:
        """The last line of its complaint; `default` when it said nothing."""
        return last_line(self.stderr, default)


def ask(host: Host, command: str, *, known_hosts: Path, seconds: float, stdin: str = "") -> Answer:
    """Run `command`, which the host's shell reads, and wait for it.

    Args:
        host: Where.
        command: A shell command line.
        known_hosts: The file of host keys, for a host that names none of its own.
        seconds: The longest that all of it may take, with the connection.
        stdin: What the command reads.

    Raises:
        OSError: ssh cannot be started on this machine.
    """
    try:
        done = subprocess.run(
            tied(["ssh", *ssh_arguments(host, known_hosts), command]),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None)
    return Answer(done.returncode, done.stdout, done.stderr)


def ask_all(hosts: Iterable[Host], question: Callable[[Host], _T]) -> list[tuple[Host, _T]]:
    """Ask all hosts at once: each with what `question` gives for it, in the order of `hosts`."""

    def asked(host: Host) -> tuple[Host, _T]:
        return host, question(host)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return list(pool.map(asked, hosts))
