"""A gate's run directory: what it needs to go on after a crash, and to be judged again without the server.

run.json   what was asked, when the window began, whether it is over
canary.yml the configuration with this release's values
baseline.csv, canary.csv    both versions' series so far
asked.json  which queries gave them, and how much each gave
verdict.json                once there is one
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter, ValidationError

from pipeline import __version__
from pipeline.base.errors import LockedError, RunDirectoryError
from pipeline.base.files import write_whole
from pipeline.base.problems import first_problem
from pipeline.base.text import reason_of, redact
from pipeline.gate.settings import Settings
from pipeline.judge.verdict import Verdict
from pipeline.runs.directory import load, write_record, write_verdict
from pipeline.runs.record import FORMAT, Record
from pipeline.series.asked import Questions
from pipeline.series.case import arm_name
from pipeline.series.config import JudgeConfig, read_released

__all__ = ["CONFIG", "KIND", "GateRun", "begin", "held", "unfinished"]

KIND: Final = "gate"
CONFIG: Final = "canary.yml"
_ASKED: Final = "asked.json"
_QUESTIONS: Final = TypeAdapter(Questions)
# Who starts a gate again this long after its end means another one.
_STALE: Final = 3600.0
_NUMBERS: Final = ("from", "for", "behind", "ahead")


@dataclass(frozen=True, slots=True)
class GateRun:
    """A gate: its directory and record, and what it needs to go on, in seconds.

    Attributes:
        start: when its window begins (Unix time of the server).
        planned: how long that is.
        behind: how far its end stays behind now.
        ahead: how far the server's clock is ahead of this machine's.
    """

    path: Path
    record: Record
    start: float
    planned: float
    behind: float
    ahead: float

    @classmethod
    def of(cls, path: Path, record: Record) -> GateRun:
        """The gate whose record this is. Raises RunDirectoryError."""
        settings = record.document.get("settings")
        try:
            numbers = [float(settings[key]) for key in _NUMBERS]  # type: ignore[index]
        except (KeyError, TypeError, ValueError):
            raise RunDirectoryError(f"{record.file}: a gate's settings have {', '.join(_NUMBERS)}") from None
        return cls(path, record, *numbers)

    @property
    def end(self) -> float:
        """When the window ends, Unix seconds."""
        return self.start + self.planned

    @property
    def seen(self) -> float:
        """Of how many seconds the series in the directory are."""
        seen = self.record.document["settings"].get("seen")
        return float(seen) if isinstance(seen, int | float) else 0.0

    def looked(self, seconds: float) -> Record:
        """Write down that the series are now of so many seconds; gives the record."""
        record = self.record.grown(settings={**self.record.document["settings"], "seen": seconds})
        write_record(self.path, record)
        return record

    def keep_questions(self, questions: Questions) -> None:
        """Write down where the series in the directory came from."""
        write_whole(self.path / _ASKED, _QUESTIONS.dump_json(questions, indent=1).decode() + "\n")

    def questions(self) -> Questions | None:
        """What `keep_questions` wrote; None where it has written nothing. Raises RunDirectoryError."""
        file = self.path / _ASKED
        try:
            return _QUESTIONS.validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise RunDirectoryError(f"{file}: {first_problem(error, {})}") from None
        except OSError as error:
            raise RunDirectoryError(f"{file}: cannot be read: {reason_of(error)}") from None

    def finish(self, verdict: Verdict, seconds: float, *, early: bool) -> Record:
        """Write the verdict, and whether it came before the planned end; gives the record."""
        write_verdict(self.path, verdict)
        record = self.looked(seconds)
        if early:
            stopped = {"at": seconds, "outcome": verdict.outcome.value, "decided_after": seconds}
            record = record.grown(stopped_early=stopped)
            write_record(self.path, record)
        return record

    def close(self, record: Record) -> None:
        """All is done that was to be done: the same command begins a new gate."""
        write_record(self.path, record.grown(under_way=False))


def begin(settings: Settings, config: JudgeConfig, start: float, *, behind: float, ahead: float) -> GateRun:
    """Make the directory of a gate whose window begins at `start`; the rest as in GateRun."""
    now = datetime.now(UTC)
    names = {arm: arm_name(config, arm) for arm in ("baseline", "canary")}
    path = settings.runs / f"{now:%Y%m%dT%H%M%SZ}-gate-{_safe(names['canary'])}"
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{path.name.removesuffix(f'-{number - 1}')}-{number}")
    path.mkdir(parents=True)
    asked: dict[str, Any] = {
        "prometheus": redact(settings.url),
        "config": str(settings.config),
        "from": start,
        "for": config.planned,
        "step": config.step,
        "behind": behind,
        "ahead": ahead,
        "early_stop": settings.early_stop,
        "min_requests": settings.min_requests,
        "same": _same(settings, config),
    }
    record = Record.from_dict({}, path / "run.json").grown(
        format=FORMAT,
        tool=__version__,
        created=now.isoformat(timespec="seconds"),
        kind=KIND,
        baseline={"ref": names["baseline"]},
        canary={"ref": names["canary"]},
        settings=asked,
        problems=[],
        phases=[],
        under_way=True,
    )
    write_whole(path / CONFIG, _released_text(settings))
    write_record(path, record)
    return GateRun.of(path, record)


def unfinished(settings: Settings, config: JudgeConfig, now: float) -> GateRun | None:
    """The newest gate that the same command began and did not finish, unless its window is long over."""
    same = _same(settings, config)
    paths = sorted(settings.runs.glob("*/run.json"), reverse=True) if settings.runs.is_dir() else []
    for file in paths:
        if file.parent.is_symlink():
            continue
        try:
            record = load(file.parent).record
            if record.kind != KIND or not record.under_way or record.document["settings"]["same"] != same:
                continue
            run = GateRun.of(file.parent, record)
        except (RunDirectoryError, KeyError, TypeError):
            continue  # of another kind or format
        if now <= run.end + max(run.planned, _STALE):
            return run
    return None


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds a gate's directory. Raises LockedError where another process does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"{path}: another command watches this gate", hint="wait for it, or end it"
            ) from None
        yield
    finally:
        os.close(descriptor)


def _same(settings: Settings, config: JudgeConfig) -> str:
    """The same for all commands that ask for the same gate."""
    asked = (
        settings.url,
        _released_text(settings),
        config.planned,
        settings.early_stop,
        settings.min_requests,
    )
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def _released_text(settings: Settings) -> str:
    data = read_released(settings.config, settings.sets).data
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.")[:40] or "canary"
