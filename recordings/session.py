"""One task, typed into a real shell in a real pseudo-terminal, while asciinema records it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pexpect

from recordings.tasks import Open, Task

__all__ = ["COLUMNS", "IDLE", "LONGEST", "ROWS", "record"]

COLUMNS: Final = 100
ROWS: Final = 30
IDLE: Final = 2  # seconds: players shorten a longer pause to this
LONGEST: Final = 1800.0  # seconds for one command: Maven's first build on a host takes eight minutes
_TYPING: Final = 0.08  # seconds between two keys
_PROMPT: Final = "$ "
_ADDRESS: Final = re.compile(r"(https?://[\w.:-]+)(/[\w./-]*)?\s+open it in a browser")


class _Shell:
    """A shell under asciinema. Its prompts are counted in a file, so that nothing on the screen is taken for one."""

    def __init__(
        self,
        cast: Path,
        title: str,
        environment: Mapping[str, str],
        directory: Path,
        prompts: Path,
        pace: float,
    ) -> None:
        self.pace = pace
        self.prompts = prompts
        prompts.write_text("")
        # --noediting: the terminal echoes what is typed, and no line editor redraws it.
        shell = "exec bash --noprofile --norc --noediting -i"
        size = ["--cols", str(COLUMNS), "--rows", str(ROWS), "--idle-time-limit", str(IDLE)]
        what = ["--title", title, "--env", "TERM", "--command", shell, str(cast)]
        settings = {
            **environment,
            "PS1": _PROMPT,
            "PROMPT_COMMAND": f"echo $? >>{prompts}",
            "HISTFILE": "/dev/null",
        }
        self.child: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "asciinema", "rec", "--quiet", "--overwrite", *size, *what],
            env=settings,
            cwd=str(directory),
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            timeout=LONGEST,
        )
        self.child.delaybeforesend = None
        self.seen = ""
        self.wait_for_prompt(1)

    def read(self, seconds: float) -> None:
        """What appears on the screen within `seconds`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self.seen += self.child.read_nonblocking(65536, timeout=left)
            except pexpect.TIMEOUT:
                return

    def statuses(self) -> list[int]:
        return [int(line) for line in self.prompts.read_text().split()]

    def wait_for_prompt(self, number: int) -> None:
        until = time.monotonic() + LONGEST
        while len(self.statuses()) < number:
            if time.monotonic() > until:
                raise TimeoutError(f"no prompt after {LONGEST:g} s")
            self.read(0.2)
        # It comes just after the count. A command in the background may write over it: then a second is enough.
        until = time.monotonic() + 1
        while not self.seen.endswith(_PROMPT) and time.monotonic() < until:
            self.read(0.05)

    def rest(self, seconds: float) -> None:
        """A pause for who watches."""
        self.read(seconds * self.pace)

    def type(self, text: str) -> None:
        for character in text:
            self.child.send(character)
            self.rest(_TYPING)
        self.rest(0.3)
        self.child.send("\n")

    def run(self, text: str) -> int:
        """Type a command, wait until it has ended; its exit status."""
        before = len(self.statuses())
        self.type(text)
        self.wait_for_prompt(before + 1)
        return self.statuses()[before]

    def address(self) -> tuple[str, str]:
        """The page's address as the command told it, and the part of it before the path."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if found := _ADDRESS.search(self.seen):
                return found[1] + (found[2] or ""), found[1]
            self.read(0.2)
        raise TimeoutError(f"no address was told: {self.seen[-300:]!r}")


def record(
    task: Task,
    cast: Path,
    environment: Mapping[str, str],
    directory: Path,
    prompts: Path,
    *,
    pace: float = 1.0,
) -> int:
    """Record `task` to `cast`, in `directory`; the exit status that its end shows.

    The recording ends with `exit status N`, which the shell itself says. `prompts` is a file that this may write;
    `pace` stretches typing and pauses (0: none). Raises TimeoutError, and pexpect.EOF where the shell ends too early.
    """
    shell = _Shell(cast, task.title, environment, directory, prompts, pace)
    status = 0
    try:
        for step in task.steps:
            if isinstance(step, Open):
                _open(shell, step)
            else:
                shell.run(step)
                if step.startswith("#"):
                    continue
            status = _status(shell)
        shell.child.sendeof()
        shell.child.expect(pexpect.EOF)
    finally:
        shell.child.close(force=True)
    return status


def _status(shell: _Shell) -> int:
    status = shell.statuses()[-1]
    shell.run('echo "exit status $?"')
    shell.rest(1.0)
    return status


def _open(shell: _Shell, step: Open) -> None:
    shell.run(f"{step.command} &")
    address, origin = shell.address()
    shell.rest(1.0)
    for line in step.meanwhile:
        shell.run(line.replace("{address}", address).replace("{origin}", origin))
        shell.rest(0.7)
    before = len(shell.statuses())
    shell.type("fg")
    shell.read(0.5 + 1.5 * shell.pace)  # Ctrl-C before the shell has brought it forward would be lost
    shell.child.sendintr()
    shell.wait_for_prompt(before + 1)
