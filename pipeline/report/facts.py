"""What the reports say about a run, read from `run.json` with a place for everything that may be absent.

A run that broke early has a short run.json, and its report is wanted most; so nothing here raises on a
missing or odd key. Strings come out of `clean`: printable, one line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.base.text import clean, duration
from pipeline.judge.evidence import Problem

__all__ = ["ArmFacts", "Phase", "RunFacts", "flatten", "number", "read_facts"]


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
class Phase:
    """A span of load: `arm` baseline or canary, `kind` warmup or measure; seconds since the run's start."""

    arm: str
    kind: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. Empty strings, empty tuples, None: not recorded."""

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
    rate: float | None
    promoted: bool | None
    phases: tuple[Phase, ...]
    problems: tuple[Problem, ...]
    stopped_early: str

    def seconds(self, arm: str) -> float:
        """How long `arm` was measured, warm-ups left out."""
        return sum(p.end - p.start for p in self.phases if p.arm == arm and p.kind != "warmup")


def number(value: object) -> float | None:
    """A finite number, or None for anything else (a bool is none)."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _line(value: object) -> str:
    """Text as a clean line; empty for what is absent or no text."""
    return clean(value) if isinstance(value, str) else ""


def _arm(run: Mapping[str, Any], arm: str) -> ArmFacts:
    commit = _mapping(run.get(arm))
    return ArmFacts(_line(commit.get("ref")), _line(commit.get("sha")), _line(commit.get("subject")))


def _phases(run: Mapping[str, Any]) -> Iterator[Phase]:
    for entry in _items(run.get("phases")):
        phase = _mapping(entry)
        start, end = number(phase.get("start")), number(phase.get("end"))
        if start is not None and end is not None and end > start:
            yield Phase(clean(phase.get("arm", "")), clean(phase.get("kind", "")), start, end)


def _problems(run: Mapping[str, Any]) -> Iterator[Problem]:
    for entry in _items(run.get("problems")):
        problem = _mapping(entry)
        if problem:
            yield Problem(clean(problem.get("effect", "note")), clean(problem.get("message", "")))
        elif entry:
            yield Problem("note", clean(entry))


def _stopped(stopped: Mapping[str, Any]) -> str:
    """Why a run ended before its time, as a clause; empty where it did not."""
    after = number(stopped.get("decided_after"))
    if after is None:
        return ""
    outcome = _line(stopped.get("outcome")) or "decided"
    return f"the canary was measured for {duration(after)}, which showed that it {outcome}"


def read_facts(run: Mapping[str, Any]) -> RunFacts:
    """The facts of one run.json (docs/architecture.md, format 1)."""
    settings = _mapping(run.get("settings"))
    promoted = run.get("promoted")
    return RunFacts(
        baseline=_arm(run, "baseline"),
        canary=_arm(run, "canary"),
        directory=_line(run.get("directory")),
        created=_line(run.get("created")),
        tool_version=_line(run.get("tool")),
        repo=_line(run.get("repo")),
        sample=run.get("sample") is True,
        sample_why=_line(run.get("sample_why")),
        profile=_line(_mapping(run.get("profile")).get("name")),
        provider=_line(run.get("provider")),
        schedule=_line(settings.get("schedule")),
        rate=number(settings.get("rate")),
        promoted=promoted if isinstance(promoted, bool) else None,
        phases=tuple(_phases(run)),
        problems=tuple(_problems(run)),
        stopped_early=_stopped(_mapping(run.get("stopped_early"))),
    )


def flatten(value: object, prefix: str = "", limit: int = 400) -> list[tuple[str, str]]:
    """Nested mappings and lists as at most `limit` rows of (`a.b.c`, clean text), for a two-column table."""
    rows: list[tuple[str, str]] = []

    def walk(node: object, name: str, depth: int) -> None:
        if len(rows) >= limit:
            return
        if isinstance(node, Mapping) and node and depth < 8:
            for key, child in node.items():
                walk(child, f"{name}.{clean(key, 80)}" if name else clean(key, 80), depth + 1)
        elif (
            isinstance(node, list | tuple)
            and any(isinstance(x, Mapping | list | tuple) for x in node)
            and depth < 8
        ):
            for index, child in enumerate(node, 1):
                walk(child, f"{name} {index}".strip(), depth + 1)
        else:
            text = ", ".join(map(str, node)) if isinstance(node, list | tuple) else node
            rows.append((name, "" if text is None else clean(text)))

    walk(value, prefix, 0)
    return rows
