"""A dry run's answer: what would happen, in what order, for how long."""

from __future__ import annotations

import json

from pipeline.canary.workflow import Plan

__all__ = ["describe"]


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
            "phases": [phase.to_dict() for phase in phases],
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
        "then        judge, and " + ("promote on a pass" if settings.promote else "leave the proxy on blue"),
    ]
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines) + "\n"
