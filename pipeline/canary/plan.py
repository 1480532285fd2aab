"""What a run will do: everything the user gave, checked before anything boots; and the run that begins so."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline import __version__
from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.base.places import CACHE
from pipeline.base.step_hook import begins
from pipeline.base.text import printable
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.profile import Profile
from pipeline.canary.profile_file import load_profile
from pipeline.canary.schedule import concurrent, interleaved, phased
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.judge.words import percent
from pipeline.runs.phases import EVEN_SHARE, Phase, under_way
from pipeline.runs.record import FORMAT, Record, Version
from pipeline.source.opening import open_source
from pipeline.source.repository import Commit, Source

if TYPE_CHECKING:
    from pipeline.judge.forecast import ErrorForecast

__all__ = ["Plan", "Settings", "describe", "make_plan", "new_run", "too_short"]

_GROUPS: Final = ("proxy", "blue", "green")
_SCHEDULE_OF: Final = {"phased": phased, "interleaved": interleaved, "concurrent": concurrent}
_LEAST_FREE_BYTES: Final = 500_000_000
_EARLY_STOP_WORDS: Final = {
    "fail": "as soon as the canary is shown to be worse",
    "both": "as soon as the canary is shown to be worse, or no worse",
    "off": "none",
}
_UNDECIDED_WORDS: Final = {
    "inconclusive": "inconclusive, where harm is neither shown nor ruled out",
    "pass": "passes, where no harm is shown, though it is not ruled out",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's choices.

    Durations are in seconds, `rate` in requests per second. `share` is the canary's fraction of the requests in the
    concurrent schedule (None: half), and None in the others. `early_stop` is off, fail or both. `auto`: a pilot on the
    baseline chooses the duration, and `duration` is the longest that it may choose. `cloud` is where hosts are made, as
    `prod_file` says (None: prod.yml).
    """

    baseline: str
    canary: str
    profile: str = "preview"
    repo: str | None = None
    rate: float = 50.0
    duration: float = 300.0
    warmup: float = 15.0
    schedule: str = "phased"
    share: float | None = None
    early_stop: str = "fail"
    calibration: bool = True
    provider: str | None = None
    inventory: Path | None = None
    cloud: str | None = None
    prod_file: Path | None = None
    keep: bool = False
    promote: bool = True
    runs: Path = Path("runs")
    auto: bool = False

    @property
    def canary_share(self) -> float | None:
        """What the canary gets of the requests where both versions are measured at once; None where they are not."""
        if self.schedule != "concurrent":
            return None
        return EVEN_SHARE if self.share is None else self.share

    def phases(self) -> Sequence[Phase]:
        """The schedule these settings ask for."""
        return _SCHEDULE_OF[self.schedule](self.duration, self.warmup)

    def to_dict(self) -> dict[str, Any]:
        """As written in run.json: plain types, paths as given."""
        known = {**asdict(self), "share": self.canary_share}
        return {key: str(value) if isinstance(value, Path) else value for key, value in known.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known before anything boots, and checked. `inventory` has the user's own hosts, if there are any."""

    settings: Settings
    profile: Profile
    source: Source
    baseline: Commit
    canary: Commit
    inventory: Inventory | None = None
    notes: tuple[str, ...] = ()  # what the two trees lack, and what is not part of them


def make_plan(settings: Settings, progress: Progress) -> Plan:
    """Check everything the user gave. Raises UsageError; boots and changes nothing."""
    begins("plan")
    if settings.share is not None and settings.schedule != "concurrent":
        raise UsageError("--share goes with --schedule concurrent")
    profile = load_profile(settings.profile)
    if profile.has_steps and settings.schedule == "concurrent":
        raise UsageError(
            f"profile {profile.name} has steps, and --schedule concurrent deals each request by itself: who has logged "
            "in on one version would read from the other",
            hint="use --schedule interleaved",
        )
    inventory = None
    if settings.inventory is not None:
        inventory = read_inventory(settings.inventory, (*_GROUPS, "monitor"))
        for group in _GROUPS:
            inventory.one(group)
    source = open_source(settings.repo, CACHE, service=profile.name, say=progress.say)
    baseline, canary = source.resolve(settings.baseline), source.resolve(settings.canary)
    notes = tuple(source.notes(baseline, canary))
    for note in notes:
        progress.say(f"note: {note}")
    return Plan(settings, profile, source, baseline, canary, inventory, notes)


def describe(plan: Plan, *, as_json: bool) -> str:
    """The plan in words, or as one JSON document."""
    settings = plan.settings
    phases = settings.phases()
    can_show = _can_show(plan)
    if as_json:
        document = {
            "repo": plan.source.display,
            "sample": plan.source.sample,
            "baseline": {"ref": plan.baseline.ref, "sha": plan.baseline.sha},
            "canary": {"ref": plan.canary.ref, "sha": plan.canary.sha},
            "profile": plan.profile.name,
            "rate": settings.rate,
            "schedule": settings.schedule,
            "share": settings.canary_share,
            "phases": [phase.to_dict() for phase in phases],
            "early_stop": settings.early_stop,
            "undecided": plan.profile.policy.undecided,
            "duration": "auto" if settings.auto else settings.duration,
            "can_show": can_show,
        }
        return json.dumps(document) + "\n"
    hosts = "a local lab of proxy, blue and green"
    if settings.inventory or settings.cloud:
        hosts = f"hosts of {settings.inventory}" if settings.inventory else f"three hosts in {settings.cloud}"
    lines = [
        f"repository  {plan.source.display}",
        f"baseline    {plan.baseline.sha[:10]}  {plan.baseline.ref}: {plan.baseline.subject}",
        f"canary      {plan.canary.sha[:10]}  {plan.canary.ref}: {plan.canary.subject}",
        f"hosts       {hosts}",
        f"load        {settings.rate:g} requests/s of {plan.profile.request.method} {plan.profile.request.path}"
        if not plan.profile.requests
        else f"load        {settings.rate:g} requests/s, a mix of {plan.profile.asked_for}"
        + ("; a sequence of steps is due as one" if plan.profile.has_steps else ""),
        *_dealt(settings),
        f"schedule    {settings.schedule}, {phases[-1].end:g} s:",
        *_in_order(phases),
        *(["            at most: a pilot on the baseline chooses how long"] if settings.auto else []),
        *([f"to pass     {can_show}"] if can_show else []),
        f"early stop  {_EARLY_STOP_WORDS[settings.early_stop]}",
        f"undecided   {_UNDECIDED_WORDS[plan.profile.policy.undecided]}",
        "then        judge, and " + ("promote on a pass" if settings.promote else "leave the proxy on blue"),
    ]
    return "\n".join(map(printable, lines)) + "\n"


def too_short(plan: Plan) -> str:
    """Why no code at all can pass in a run this long, to be told before anything boots; empty where some can."""
    from pipeline.judge.forecast import errors_in_words

    seconds = plan.settings.duration
    found = _of_errors(plan)
    if found is None or found.passes_within(seconds):
        return ""
    return f"{errors_in_words(found, seconds)}; such a run fails or stays inconclusive (try --duration auto)"


def _can_show(plan: Plan) -> str:
    """What a run this long can show of errors; empty where no share is judged."""
    from pipeline.judge.forecast import errors_in_words

    found = _of_errors(plan)
    return "" if found is None else errors_in_words(found, plan.settings.duration)


def _of_errors(plan: Plan) -> ErrorForecast | None:
    """What the numbers of requests alone can show; None where no share is judged."""
    # Loads scipy, which nothing else before the run needs.
    from pipeline.judge.forecast import forecast_errors

    settings, profile = plan.settings, plan.profile
    share = settings.canary_share
    return forecast_errors(
        profile.metrics,
        profile.policy,
        seconds=settings.duration,
        rate=settings.rate * profile.requests_per_arrival * (1.0 if share is None else min(share, 1 - share)),
        together=settings.schedule != "phased",
    )


def _dealt(settings: Settings) -> list[str]:
    """How requests are divided where both versions are measured at once."""
    share = settings.canary_share
    if share is None:
        return []
    green = settings.rate * share
    return [
        f"            dealt by chance: about {settings.rate - green:.3g}/s to blue, {green:.3g}/s to green "
        f"({percent(share)})"
    ]


def _in_order(phases: Sequence[Phase]) -> list[str]:
    """A line for each span of load."""
    lines = {}
    for phase in phases:
        together = under_way(phases, phase.start)
        colours, arms = (
            " and ".join(words) for words in zip(*((p.colour, p.arm) for p in together), strict=True)
        )
        lines[phase.start] = f"  {phase.start:6g} s  {phase.seconds:g} s on {colours} ({arms}, {phase.kind})"
    return list(lines.values())


def new_run(plan: Plan) -> RunInProgress:
    """Make the run's directory with a run.json. Raises EnvironmentError_ when the disk is nearly full."""
    now, settings = datetime.now(UTC), plan.settings
    name = f"{now:%Y%m%dT%H%M%SZ}-{_safe(settings.baseline)}-{_safe(settings.canary)}"
    path = settings.runs / name
    (path / "logs").mkdir(parents=True)
    if (free := shutil.disk_usage(path).free) < _LEAST_FREE_BYTES:
        raise EnvironmentError_(
            f"{path}: only {free / 1e6:.0f} MB of disk space are free", hint="free at least 500 MB"
        )
    run = RunInProgress(path, Record.from_dict({}, path / "run.json"))
    run.add(
        format=FORMAT,
        tool=__version__,
        created=now.isoformat(timespec="seconds"),
        repo=plan.source.display,
        sample=plan.source.sample,
        sample_why=plan.source.why,
        baseline=_version(plan.baseline),
        canary=_version(plan.canary),
        # the repository as it may be shown: a URL can hold a password
        settings={**settings.to_dict(), "repo": settings.repo and plan.source.display},
        profile=plan.profile.to_dict(),
        notes=list(plan.notes),
        problems=[],
        phases=[],
        t0_unix=0.0,
        under_way=True,
        promoted=None,
    )
    run.save()
    _point_latest_at(path)
    return run


def _point_latest_at(path: Path) -> None:
    """runs/latest: for people, so nothing depends on it, and a file of that name that is not ours stays."""
    latest = path.parent / "latest"
    if latest.is_symlink() or not latest.exists():
        latest.unlink(missing_ok=True)
        latest.symlink_to(path.name)


def _safe(ref: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", ref).strip("-.")[:40] or "ref"


def _version(commit: Commit) -> dict[str, str]:
    return asdict(Version(commit.ref, commit.sha, commit.subject, commit.author_date))
