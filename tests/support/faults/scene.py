"""A canary run in the background, with a directory of its own for all that it makes, into which a fault is put."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.base.places import ROOT
from pipeline.base.step_hook import STEP_HOOK
from tests.support.faults.guests import Guests
from tests.support.faults.row import Row
from tests.support.faults.steps import Steps
from tests.support.faults.terminal import Terminal

__all__ = ["FILLER", "Scene", "staged"]

FILLER: Final = "filler"  # the file with which a fault fills a disk

_MARK: Final = "PIPELINE_FAULTS"  # every process that comes of a run has it in its environment
_LONGEST: Final = 240  # seconds; what takes longer hangs
_GRACE: Final = 5  # seconds that children have to follow their parent


@dataclass
class Scene:
    """What a fault is done to: the hosts, the repository, and the command, `child`, once it runs."""

    guests: Guests
    repository: Path
    directory: Path
    row: Row
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    environment: dict[str, str] = field(default_factory=dict)
    wrapper: tuple[str, ...] = ()
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)
    steps: Steps = field(init=False)
    terminal: Terminal | None = None
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)  # what ends with the scene

    def __post_init__(self) -> None:
        self.temporary.mkdir()
        self.steps = Steps(self._hook, self.row.moment.step, self.row.moment.number)

    @property
    def child(self) -> subprocess.Popen[bytes]:
        """The command."""
        return self.children[0]

    @property
    def temporary(self) -> Path:
        """Where the command and its children make their temporary files."""
        return self.directory / "t"

    @property
    def _hook(self) -> Path:
        return self.directory / "hook"

    @property
    def runs(self) -> Path:
        """Where its run's directory is."""
        return self.directory / "runs"

    @property
    def run(self) -> Path | None:
        """The run's directory, None where it made none."""
        found = [path for path in self.runs.glob("*") if path.is_dir() and not path.is_symlink()]
        return found[0] if found else None

    @property
    def out(self) -> str:
        """What the command has printed so far."""
        return (self.directory / "out").read_text(errors="replace")

    @property
    def err(self) -> str:
        """What it has told of its progress and its errors so far."""
        return (self.directory / "err").read_text(errors="replace")

    def command(self) -> list[str]:
        """The canary that the row asks for, on a lab that stays up."""
        row = self.row
        return [
            *(*self.wrapper, sys.executable, "-m", "pipeline", "canary", row.baseline, row.canary),
            *("--repo", str(self.repository), "--runs", str(self.runs), "--no-monitor", "--keep"),
            *(("--json",) if self.terminal is None else ()),
            *("--schedule", row.schedule, "--rate", str(row.rate)),
            *("--duration", row.duration, "--warmup", row.warmup, *row.options),
        ]

    def start(self, command: list[str] | None = None) -> subprocess.Popen[bytes]:
        """Start the row's command, or another one; all that it starts in turn is found by its environment."""
        number = "" if not self.children else "2"
        out, err = self.directory / f"out{number}", self.directory / f"err{number}"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            if terminal := None if number else self.terminal:
                streams = (terminal.end, terminal.end, terminal.end)
            else:
                streams = (subprocess.DEVNULL, to_out.fileno(), to_err.fileno())
            child = subprocess.Popen(
                command or self.command(), cwd=ROOT, stdin=streams[0], stdout=streams[1], stderr=streams[2],
                env={**os.environ, _MARK: self.mark, STEP_HOOK: str(self._hook), "TMPDIR": str(self.temporary),
                     **self.environment},
            )  # fmt: skip
        if terminal:
            terminal.follow(err)
        self.children.append(child)
        return child

    def on_a_terminal(self) -> None:
        """The command gets a terminal of its own, as somebody who types it has."""
        self.terminal = Terminal()
        self.wrapper = ("setsid", "--ctty")

    def close_terminal(self) -> None:
        """Close its window."""
        assert self.terminal is not None
        self.terminal.close()

    def act(self) -> float:
        """Do what the row does, at its moment; gives the time when it was done, of time.monotonic.

        A step waits while it is done; the load goes on.
        """
        deadline = time.monotonic() + _LONGEST
        while not self._reached():
            moment = self.row.moment
            assert self.child.poll() is None, f"it ended before {moment}: {self.child.returncode}\n{self.err}"
            assert time.monotonic() < deadline, f"it did not come to {moment}:\n{self.err}"
            time.sleep(0.02)
        began = time.monotonic()
        self.row.act(self)
        self.steps.go_on()
        return began

    def _reached(self) -> bool:
        if self.row.moment.load is None:
            return self.steps.held.is_set()
        file = self.run and self.run / "requests.csv"
        if file is None or not file.exists():
            return False
        rows = list(csv.reader(file.read_text().splitlines()[1:]))
        return bool(rows) and len(rows[-1]) > 1 and float(rows[-1][0]) >= self.row.moment.load

    def processes(self) -> dict[int, str]:
        """What still runs of all that the command has started: process and command line."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if f"{_MARK}={self.mark}".encode() in (path / "environ").read_bytes().split(b"\0"):
                    words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found[int(path.name)] = words.strip()
            except OSError:
                continue  # it has just ended, or is the kernel's
        return found

    def left(self) -> list[str]:
        """The command lines of what still runs after the time that children have to follow their parent."""
        deadline = time.monotonic() + _GRACE
        while (processes := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return sorted(processes.values())

    def end(self) -> None:
        """Kill what is still there, so that the next row begins with nothing."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for child in self.children:
            child.wait()
        if self.terminal is not None:
            self.terminal.close()
        self.steps.close()
        self.stack.close()


@contextmanager
def staged(guests: Guests, repository: Path, row: Row) -> Iterator[Scene]:
    """A scene with a short directory, for the paths of UNIX sockets; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as directory:
        scene = Scene(guests, repository, Path(directory), row)
        try:
            yield scene
        finally:
            scene.end()
