"""What the reports say about a run, in words: its strings come out of `clean`, printable and on one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.base.text import clean, duration
from pipeline.judge.evidence import Problem
from pipeline.runs.phases import Phase
from pipeline.runs.record import Record, Version

__all__ = ["ArmFacts", "RunFacts", "read_facts", "when"]


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """One version: the ref as the user gave it, its commit (full, or empty) and the commit's subject."""

    ref: str
    commit: str
    subject: str

    @property
    def short(self) -> str:
        """The commit as people write it, or empty."""
        return self.commit[:10]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. Empty strings, empty tuples, None: not recorded; `share` is None too where it was not both at once.

    `proxy` is the colour that the proxy said it was on in the end; `trouble` says, with the command to type, that it
    could not be put where it belongs.
    """

    baseline: ArmFacts
    canary: ArmFacts
    directory: str
    created: str
    tool_version: str
    repo: str
    sample: bool
    sample_why: str
    profile: str
    provider: str
    schedule: str
    share: float | None
    rate: float | None
    promoted: bool | None
    proxy: str | None
    trouble: str
    phases: tuple[Phase, ...]
    problems: tuple[Problem, ...]
    stopped_early: str

    @property
    def compared(self) -> str:
        """Which two versions: `canary broken against master`."""
        names = [arm.ref or arm.short for arm in (self.canary, self.baseline)]
        return f"canary {names[0]} against {names[1]}" if all(names) else "canary against baseline"

    def seconds(self, arm: str) -> float:
        """How long `arm` was measured, warm-ups left out."""
        return sum(phase.seconds for phase in self.phases if phase.arm == arm and phase.kind != "warmup")


def read_facts(record: Record, directory: str = "") -> RunFacts:
    """The facts of a run; `directory` is where it lies, empty where there is none.

    Raises RunDirectoryError for phases or problems that cannot be used.
    """
    settled = record.settled
    return RunFacts(
        baseline=_arm(record.baseline),
        canary=_arm(record.canary),
        directory=clean(directory),
        created=clean(record.created),
        tool_version=clean(record.tool),
        repo=clean(record.repo),
        sample=record.sample,
        sample_why=clean(record.sample_why),
        profile=clean(record.profile_name),
        provider=clean(record.provider),
        schedule=clean(record.schedule),
        share=record.share,
        rate=record.rate,
        promoted=record.promoted,
        proxy=settled.colour if settled is not None else None,
        trouble=f"{clean(settled.trouble)}; type: {clean(record.rollback)}"
        if settled and settled.trouble
        else "",
        phases=record.phases,
        problems=tuple(Problem(clean(p.effect), clean(p.message)) for p in record.problems),
        stopped_early=_stopped(record.stopped_early),
    )


def _arm(version: Version) -> ArmFacts:
    return ArmFacts(clean(version.ref), clean(version.sha), clean(version.subject))


def _stopped(stopped: Mapping[str, Any]) -> str:
    """Why a run ended before its time, as a clause; empty where it did not."""
    after, outcome = stopped.get("decided_after"), stopped.get("outcome")
    if not isinstance(after, int | float) or isinstance(after, bool) or not math.isfinite(after):
        return ""
    said = (clean(outcome) if isinstance(outcome, str) else "") or "decided"
    return f"the canary was measured for {duration(float(after))}, which showed that it {said}"


def when(created: str) -> str:
    """The time of a run to the minute; what is no ISO time is shown as it is."""
    try:
        return f"{datetime.fromisoformat(created).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return created
