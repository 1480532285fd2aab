"""The machine that runs the command: its disk, its clock, its neighbours, and the processes that belong to a run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.row import UNDECIDED, Act, Row, second, step
from tests.support.faults.scene import FILLER, Scene

__all__ = ["ROWS"]

_LIBFAKETIME: Final = "*/faketime/libfaketimeMT.so.1"  # below /usr/lib, in the folder of the architecture
_NOT_FAILED: Final = (Exit.OK, *UNDECIDED)


def _child_gets(words: str, *numbers: int, apart: float = 0) -> Act:
    """What belongs to the run and has these words in its command line gets signals, `apart` seconds between them."""

    def act(scene: Scene) -> None:
        found = [pid for pid, line in scene.processes().items() if words in line]
        assert found, f"no process '{words}'"
        for number in numbers:
            for pid in found:
                with contextlib.suppress(ProcessLookupError):  # one may end with another
                    os.kill(pid, number)
            time.sleep(apart)

    return act


def _small_disk(folder: str, megabytes: int) -> Act:
    """A folder of the scene becomes a file system of its own."""

    def act(scene: Scene) -> None:
        path = scene.directory / folder
        path.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}M", "tmpfs", path], check=True)

    return act


def _filled(folder: str) -> Act:
    """It has no space any more."""

    def act(scene: Scene) -> None:
        path = scene.directory / folder
        with (path / FILLER).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, os.statvfs(path).f_bavail * os.statvfs(path).f_frsize)

    return act


def _removed(folder: str) -> Act:
    """It is an empty folder of the disk again."""

    def act(scene: Scene) -> None:
        subprocess.run(["umount", "-l", scene.directory / folder], check=True)

    return act


# libfaketime 0.9.10 that leaves the monotonic clock alone refuses the call with which Python sleeps.
_SLEEP: Final = (
    "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"
)


def _own_clock(scene: Scene) -> None:
    clock = scene.directory / "clock"
    clock.write_text("+0\n")
    found = list(Path("/usr/lib").glob(_LIBFAKETIME))
    assert found, "the Debian package faketime is not installed: bootstrap/setup.sh test"
    scene.environment |= {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(clock.parent / "at-start"),
    }
    (clock.parent / "at-start").mkdir()
    (clock.parent / "at-start" / "sitecustomize.py").write_text(_SLEEP)


def _stepped(seconds: int) -> Act:
    def act(scene: Scene) -> None:
        (scene.directory / "clock").write_text(f"{seconds:+d}\n")

    return act


_NEIGHBOURS: Final[list[subprocess.Popen[bytes]]] = []  # of the scene, not of the run that is looked at


def _neighbours(count: int) -> Act:
    """So many other processes that take all the time they get."""

    def act(_: Scene) -> None:
        forever = [sys.executable, "-c", "while True: pass"]
        _NEIGHBOURS.extend(subprocess.Popen(forever, env={}) for _ in range(count))

    return act


def _no_neighbours(_: Scene) -> None:
    while _NEIGHBOURS:
        child = _NEIGHBOURS.pop()
        child.kill()
        child.wait()


def _clock(seconds: int, words: str) -> Row:
    return Row(
        f"the clock is set {words}",
        second(6),
        _stepped(seconds),
        UNDECIDED,
        "",
        before=_own_clock,
        duration="15s",
        within=60,
    )


ROWS: Final = (
    Row(
        "the disk of the run is full",
        second(5),
        _filled("runs"),
        (Exit.ENVIRONMENT,),
        "runs/.*No space left on device",
        before=_small_disk("runs", 600),
        mend=_removed("runs"),
        judged=(Exit.ENVIRONMENT,),
        short=True,
    ),
    Row(
        "the disk for temporary files is full",
        step("deploy"),
        _filled("t"),
        (Exit.ENVIRONMENT,),
        "No space left on device",
        before=_small_disk("t", 20),
        mend=_removed("t"),
    ),
    Row(
        "the loader is killed",
        second(5),
        _child_gets("-m loadgen", signal.SIGKILL),
        (Exit.ENVIRONMENT, Exit.INVALID),
        "load",
    ),
    Row(
        "the loader is stopped for 6 s",
        second(5),
        _child_gets("-m loadgen", signal.SIGSTOP, signal.SIGCONT, apart=6),
        (Exit.INVALID,),
        "could not keep its schedule",
        duration="15s",
        within=60,
    ),
    Row(
        "the whole run sleeps for 15 s",
        second(5),
        _child_gets("", signal.SIGSTOP, signal.SIGCONT, apart=15),
        UNDECIDED,
        "",
        duration="20s",
        within=60,
    ),
    Row(
        "the SSH connection to the proxy is killed",
        second(5),
        _child_gets("proxy.ctl", signal.SIGKILL),
        UNDECIDED,
        "",
        duration="15s",
        within=60,
    ),
    Row(
        "pyinfra is killed",
        step("operation Run HAProxy"),
        _child_gets("-m pyinfra", signal.SIGKILL),
        (Exit.ENVIRONMENT,),
        "pyinfra was ended by SIGKILL",
    ),
    Row(
        "four busy neighbours come",
        step("load"),
        _neighbours(4),
        _NOT_FAILED,
        "",
        mend=_no_neighbours,
        duration="20s",
        within=60,
    ),
    _clock(3600, "an hour forward"),
    _clock(-3600, "an hour back"),
)
