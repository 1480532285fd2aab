"""The runs in a directory: what each said, which match, and which are old enough to go."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.errors import RunDirectoryError
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.runs.directory import Run, load

__all__ = ["PastRun", "matching", "past_runs", "removed"]


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run. `verdict` is None where there is none yet, or none that can be read; `problem` says why then."""

    run: Run
    verdict: Verdict | None
    problem: str = ""

    @property
    def outcome(self) -> str:
        """The verdict's outcome, or `no verdict`."""
        return self.verdict.outcome.value if self.verdict else "no verdict"

    @property
    def said(self) -> str:
        """What to do about it, or why there is nothing to say."""
        return headline(self.verdict) if self.verdict else self.problem

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        record = self.run.record
        return {
            "directory": str(self.run.path),
            "created": record.created or None,
            "service": record.profile_name or None,
            "baseline": {"ref": record.baseline.ref, "commit": record.baseline.sha},
            "canary": {"ref": record.canary.ref, "commit": record.canary.sha},
            "schedule": record.schedule or None,
            "outcome": self.verdict.outcome.value if self.verdict else None,
            "score": self.verdict.score if self.verdict else None,
            "promoted": record.promoted,
            "headline": self.said,
        }


def past_runs(directory: Path) -> list[PastRun]:
    """The runs below a directory, the newest first; what is no run's directory is passed over.

    Raises RunDirectoryError when there is no such directory.
    """
    if not directory.is_dir():
        raise RunDirectoryError(f"{directory}: no such directory", hint="pipeline runs --runs DIR")
    found = [
        _past(path) for path in directory.iterdir() if (path / "run.json").is_file() and not path.is_symlink()
    ]
    return sorted(
        (one for one in found if one is not None),
        key=lambda one: (one.run.record.created, one.run.path.name),
        reverse=True,
    )


def _past(path: Path) -> PastRun | None:
    try:
        run = load(path)
    except RunDirectoryError:
        return None  # of another format: not ours to show, and not ours to remove
    try:
        return PastRun(run, run.verdict)
    except RunDirectoryError as error:
        missing = not (path / "verdict.json").exists()
        return PastRun(
            run, None, "it has no verdict: pipeline judge judges what is there" if missing else error.message
        )


def matching(
    runs: Sequence[PastRun],
    *,
    ref: str | None = None,
    outcome: Outcome | None = None,
    service: str | None = None,
) -> list[PastRun]:
    """Those with `ref` as one of their refs or the beginning of one of their commits, this outcome, this service."""
    return [
        one
        for one in runs
        if (ref is None or _has(one, ref))
        and (outcome is None or (one.verdict is not None and one.verdict.outcome is outcome))
        and (service is None or one.run.record.profile_name == service)
    ]


def _has(one: PastRun, ref: str) -> bool:
    versions = (one.run.record.baseline, one.run.record.canary)
    return any(version.ref == ref or (len(ref) >= 4 and version.sha.startswith(ref)) for version in versions)


def removed(
    runs: Sequence[PastRun], keep: int, remove: Callable[[Path], object] = shutil.rmtree
) -> Iterator[Path]:
    """Removes all but the newest `keep` of `runs`, and gives each path; one without a verdict stays: it may go on.

    Args:
        runs: The newest first.
        keep: How many stay.
        remove: What removes a directory.
    """
    for one in [one for one in runs if one.verdict is not None][keep:]:
        remove(one.run.path)
        yield one.run.path
