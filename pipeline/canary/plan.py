"""What a run will do: everything the user gave, checked before anything boots."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_
from pipeline.base.places import CACHE
from pipeline.canary.profile import Profile, load_profile
from pipeline.canary.schedule import interleaved, phased
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.runs.directory import RunDirectory
from pipeline.runs.phases import Phase
from pipeline.source.repository import Commit, Source, open_source

__all__ = ["Plan", "Settings", "describe", "make_plan", "new_run"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's choices. Durations are in seconds, `rate` in requests per second; `early_stop` is off, fail or both."""

    baseline: str
    canary: str
    profile: str = "preview"
    repo: str | None = None
    rate: float = 50.0
    duration: float = 300.0
    warmup: float = 15.0
    schedule: str = "phased"
    early_stop: str = "fail"
    calibration: bool = True
    provider: str | None = None
    inventory: Path | None = None
    keep: bool = False
    promote: bool = True
    runs: Path = Path("runs")

    def phases(self) -> Sequence[Phase]:
        """The schedule these settings ask for."""
        if self.schedule == "interleaved":
            return interleaved(self.duration, self.warmup)
        return phased(self.duration, self.warmup)

    def to_dict(self) -> dict[str, Any]:
        """As written in run.json: plain types, paths as given."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


GROUPS = ("proxy", "blue", "green")


EARLY_STOP_WORDS = {
    "fail": "as soon as the canary is shown to be worse",
    "both": "as soon as the canary is shown to be worse, or no worse",
    "off": "none",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known before anything boots: checked settings, profile, repository, both commits, and
    the user's own hosts if there are any."""

    settings: Settings
    profile: Profile
    source: Source
    baseline: Commit
    canary: Commit
    inventory: Inventory | None = None


def make_plan(settings: Settings, progress: Progress) -> Plan:
    """Check everything the user gave. Raises UsageError; boots and changes nothing."""
    profile = load_profile(settings.profile)
    inventory = None
    if settings.inventory is not None:
        inventory = read_inventory(settings.inventory)
        for group in GROUPS:
            inventory.one(group)
    source = open_source(settings.repo, CACHE, service=profile.name, say=progress.say)
    baseline, canary = source.resolve(settings.baseline), source.resolve(settings.canary)
    return Plan(settings, profile, source, baseline, canary, inventory)


def describe(plan: Plan, *, as_json: bool) -> str:
    """The plan in words, or as one JSON document."""
    settings = plan.settings
    phases = settings.phases()
    if as_json:
        return json.dumps({
            "repo": plan.source.display, "sample": plan.source.sample,
            "baseline": {"ref": plan.baseline.ref, "sha": plan.baseline.sha},
            "canary": {"ref": plan.canary.ref, "sha": plan.canary.sha},
            "profile": plan.profile.name, "rate": settings.rate,
            "phases": [phase.to_dict() for phase in phases], "early_stop": settings.early_stop,
        }) + "\n"  # fmt: skip
    hosts = f"hosts of {settings.inventory}" if settings.inventory else "a local lab of proxy, blue and green"
    lines = [
        f"repository  {plan.source.display}",
        f"baseline    {plan.baseline.sha[:10]}  {plan.baseline.ref}: {plan.baseline.subject}",
        f"canary      {plan.canary.sha[:10]}  {plan.canary.ref}: {plan.canary.subject}",
        f"hosts       {hosts}",
        f"load        {settings.rate:g} requests/s of {plan.profile.request.method} {plan.profile.request.path}",
        f"schedule    {settings.schedule}, {phases[-1].end:g} s:",
        *(f"  {p.start:6g} s  {p.end - p.start:g} s on {p.colour} ({p.arm}, {p.kind})" for p in phases),
        f"early stop  {EARLY_STOP_WORDS[settings.early_stop]}",
        "then        judge, and " + ("promote on a pass" if settings.promote else "leave the proxy on blue"),
    ]
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines) + "\n"


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
