"""What is looked at after each fault, the same for all: how the command ended, and what it left."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.base.errors import Exit, LockedError
from pipeline.base.lock import lab_lock
from pipeline.base.places import ROOT, state_directory
from tests.support.faults.guests import Guests
from tests.support.faults.row import UNDECIDED, Row
from tests.support.faults.scene import FILLER, Scene, staged

__all__ = ["Found", "ending", "put_in"]

_LONGEST: Final = 180  # seconds that are waited for an end; how many a row allows is compared afterwards
_VERDICTS: Final = (Exit.OK, Exit.FAILED, Exit.INCONCLUSIVE, Exit.INVALID)
_OF_A_RUN: Final = {
    *("run.json", "verdict.json", "report.html", "proxy.json", "logs", "latency.hlog"),
    *(f"{table}.csv{packed}" for table in ("requests", "series", "network") for packed in ("", ".gz")),
}


@dataclass(frozen=True, slots=True)
class Found:
    """How a fault ended, and every sentence about it that is not as the row wants it, in `wrong`."""

    row: Row
    code: int
    seconds: float
    line: str
    colour: str
    wrong: tuple[str, ...]
    said: str

    def told(self) -> str:
        """In one line."""
        return f"exit {self.code} after {self.seconds:.1f} s: {self.line}"

    def __str__(self) -> str:
        return "\n".join([*self.wrong, self.told(), self.said])


def put_in(row: Row, guests: Guests, repository: Path) -> Found:
    """Run the command, do what the row does, and look at everything. The lab is whole again afterwards."""
    guests.start()
    new_lab = not guests.colours(0)  # nothing has been deployed on it, and a row may end before that
    with staged(guests, repository, row) as scene:
        try:
            row.before(scene)
            scene.start()
            began = scene.act()
            code = scene.child.wait(_LONGEST)
            seconds = time.monotonic() - began
            line, ended = ending(row, code, seconds, scene)
            promoted = _promoted(scene)
            wrong = [
                *ended,
                *_left(row, scene),
                *_judged(row, code, scene),
            ]
        finally:
            row.mend(scene)
        colours = guests.colours(15 if row.colour else 0)
        if colours != ({row.colour} if row.colour else set()) and not (new_lab and not colours):
            wrong.append(f"the proxy answers with {sorted(colours)}, not with {row.colour or 'nothing'}")
        if colours and promoted is not None and colours != {"green" if promoted else "blue"}:
            wrong.append(f"run.json says promoted: {promoted}, and the proxy answers with {sorted(colours)}")
        return Found(row, code, seconds, line, " ".join(sorted(colours)), tuple(wrong), _said(scene))


def first_line(out: str, err: str) -> str:
    """What a reader sees first: the error; of a verdict what is wrong with the proxy, and the first reason."""
    try:
        document: dict[str, Any] = json.loads(out)
    except ValueError:
        told = [line for line in err.splitlines() if line.startswith("pipeline: ")]
        return told[-1].removeprefix("pipeline: ") if told else ""
    if "error" in document:
        return str(document["error"]["message"])
    return "; ".join(filter(None, (document["run"]["trouble"], document["reasons"][0])))


def ending(row: Row, code: int, seconds: float, scene: Scene) -> tuple[str, list[str]]:
    """The first line of a command that ended, and what is not as the row wants it of code, line and seconds."""
    line = first_line(scene.out, scene.err).replace(f"{scene.directory}/", "")
    wrong = []
    if code not in row.ends:
        wrong.append(f"it ended with {code}, not {[int(end) for end in row.ends]}")
    if not re.search(row.says, line):
        wrong.append(f"it says {line!r}, where {row.says!r} is not found")
    if seconds > row.within:
        wrong.append(f"it took {seconds:.1f} s from the fault to the end, more than {row.within}")
    if "Traceback" in scene.out + scene.err:
        wrong.append("a traceback was shown")
    return line, wrong


def _left(row: Row, scene: Scene) -> list[str]:
    """What must not be there any more."""
    wrong = []
    if processes := scene.left():
        wrong.append(f"processes are left: {processes}")
    found = (path for path in scene.temporary.rglob("*") if path.name != FILLER)
    if files := sorted(str(path.relative_to(scene.temporary)) for path in found):
        wrong.append(f"temporary files are left: {files}")
    if scene.run and (foreign := {path.name for path in scene.run.iterdir()} - _OF_A_RUN):
        wrong.append(f"the run's directory has {sorted(foreign)}")
    try:
        with lab_lock(state_directory()):
            pass
    except LockedError as error:
        wrong.append(f"the lab is still locked: {error}")
    states = scene.guests.states()
    for name, state in states.items():
        if (state == "running") is (name in row.gone):
            wrong.append(f"host {name} is {state}")
    if any((sessions := scene.guests.sessions()).values()):
        wrong.append(f"SSH connections are open: {sessions}")
    return wrong


def _judged(row: Row, code: int, scene: Scene) -> list[str]:
    """What `pipeline judge RUN` says: the run's own verdict, or of one that reached none, that it is no pass."""
    if scene.run is None:
        return []
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "judge", str(scene.run)],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(scene.temporary)},
    )  # fmt: skip
    wanted = row.judged or ((code,) if code in _VERDICTS else UNDECIDED)
    if done.returncode not in wanted:
        return [f"judge ends with {done.returncode}, not {list(map(int, wanted))}: {done.stderr}"]
    return []


def _promoted(scene: Scene) -> bool | None:
    """What run.json says of the proxy; None where nothing was decided."""
    if scene.run is None or not (file := scene.run / "run.json").exists():
        return None
    promoted: bool | None = json.loads(file.read_text())["promoted"]
    return promoted


def _said(scene: Scene) -> str:
    return f"{scene.err}\n{scene.out[:1000]}\nthe last steps: {scene.steps.seen[-5:]}"
