"""A new run's directory, with all that is known before anything boots."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.canary.plan import Plan
from pipeline.errors import EnvironmentError_
from pipeline.rundir import RunDirectory
from pipeline.source import Commit

__all__ = ["new_run"]

LEAST_FREE_BYTES = 500_000_000


def new_run(plan: Plan) -> tuple[RunDirectory, dict[str, Any]]:
    """The directory and its run.json so far. Raises EnvironmentError_ when the disk is nearly full."""
    now = datetime.now(UTC)
    name = "-".join(
        [now.strftime("%Y%m%dT%H%M%SZ"), _safe(plan.settings.baseline), _safe(plan.settings.canary)]
    )
    path = plan.settings.runs / name
    (path / "logs").mkdir(parents=True)
    if (free := shutil.disk_usage(path).free) < LEAST_FREE_BYTES:
        raise EnvironmentError_(
            f"{path}: only {free / 1e6:.0f} MB of disk space are free", hint="free at least 500 MB"
        )
    run: dict[str, Any] = {
        "format": 1,
        "tool": version("pipeline"),
        "created": now.isoformat(timespec="seconds"),
        "repo": plan.source.display,
        "sample": plan.source.sample,
        "sample_why": plan.source.why,
        "baseline": _commit(plan.baseline),
        "canary": _commit(plan.canary),
        # the repository as it may be shown: a URL can hold a password
        "settings": {**plan.settings.to_dict(), "repo": plan.settings.repo and plan.source.display},
        "profile": plan.profile.to_dict(),
        "problems": [],
        "phases": [],
        "t0_unix": 0.0,
        "promoted": None,
    }
    directory = RunDirectory(path)
    directory.write_run(run)
    _point_latest_at(path)
    return directory, run


def _point_latest_at(path: Path) -> None:
    """runs/latest: for people, so nothing depends on it, and a file of that name that is not ours stays."""
    latest = path.parent / "latest"
    if latest.is_symlink() or not latest.exists():
        latest.unlink(missing_ok=True)
        latest.symlink_to(path.name)


def _safe(ref: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", ref).strip("-.")[:40] or "ref"


def _commit(commit: Commit) -> dict[str, str]:
    return {"ref": commit.ref, "sha": commit.sha, "subject": commit.subject, "date": commit.author_date}
