"""What a run will do: everything the user gave, checked before anything boots."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pipeline.canary.progress import Progress
from pipeline.canary.settings import Settings
from pipeline.inventory import Inventory
from pipeline.inventory_file import read_inventory
from pipeline.profile import Profile, load_profile
from pipeline.source import Commit, Source, open_source
from pipeline.state import CACHE

__all__ = ["Plan", "describe", "make_plan"]

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
