"""run.json: what is known of one run beside its samples, typed and read once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeGuard
import numpy as np
from numpy.typing import NDArray
from pipeline.base.errors import RunDirectoryError
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.words import count_of
from pipeline.runs.tables import RequestRows, SeriesRows

__all__ = ['Phase', 'Terms', 'read_phases', 'read_problems', 'read_terms']

_COLOUR = {"baseline": "blue", "canary": "green"}


@dataclass(frozen=True, slots=True)
class Phase:
    """A measured phase, in seconds since the run's start: start <= t < end."""

    arm: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Terms:
    """How the two versions are compared: `pairing`, `planned` (seconds) and `drift` are those of the evidence."""

    pairing: str = "age"
    planned: float = 0.0
    drift: Mapping[str, float] = field(default_factory=dict)


def read_phases(where: Path, listed: Any) -> tuple[Phase, ...]:
    """The measured phases of run.json's `phases`; one that never came beyond its start is left out."""
    phases = []
    for item in _objects(where, "phases", listed):
        if item.get("arm") not in _COLOUR or item.get("kind") not in ("warmup", "measure"):
            raise RunDirectoryError(
                f"{where}: phases: unknown arm or kind: {item.get('arm')!r}, {item.get('kind')!r}"
            )
        if item["kind"] != "measure" or item.get("end") is None:
            continue
        start, end = item.get("start"), item["end"]
        if not _is_time(start) or not _is_time(end):
            raise RunDirectoryError(
                f"{where}: phases: start and end must be seconds, not {start!r} and {end!r}"
            )
        if end > start:
            phases.append(Phase(item["arm"], start, end))
    phases.sort(key=lambda phase: phase.start)
    for earlier, later in pairwise(phases):
        if later.start < earlier.end:
            raise RunDirectoryError(f"{where}: phases overlap at {later.start:g} s")
    return tuple(phases)


def read_problems(where: Path, listed: Any) -> tuple[Problem, ...]:
    """What is known to be wrong with the run."""
    problems = []
    for item in _objects(where, "problems", listed):
        effect, message = item.get("effect"), item.get("message")
        if not isinstance(effect, str) or not isinstance(message, str):
            raise RunDirectoryError(f"{where}: problems: each needs an effect and a message")
        problems.append(Problem(effect, message))
    return tuple(problems)


def read_terms(where: Path, run: Mapping[str, Any]) -> Terms:
    """From run.json's `settings` and `calibration`; what is absent has the values of Terms."""
    settings = run.get("settings")
    settings = settings if isinstance(settings, Mapping) else {}
    planned = settings.get("duration", 0.0)
    return Terms(
        pairing="time" if settings.get("schedule") == "interleaved" else "age",
        planned=float(planned) if _is_time(planned) and planned > 0 else 0.0,
        drift=_drift(where, run.get("calibration")),
    )


def _drift(where: Path, calibration: Any) -> dict[str, float]:
    if calibration is None:
        return {}
    known = calibration if isinstance(calibration, Mapping) else {}
    drift, kinds = known.get("drift"), known.get("kinds", {})
    if not isinstance(kinds, Mapping):
        raise RunDirectoryError(f"{where}: calibration: kinds must map metrics to words")
    if not isinstance(drift, Mapping) or not all(_is_time(value) and value >= 0 for value in drift.values()):
        raise RunDirectoryError(f"{where}: calibration: drift must map metrics to numbers from 0 on")
    return {str(name): float(value) for name, value in drift.items()}


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _objects(where: Path, name: str, listed: Any) -> list[dict[str, Any]]:
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise RunDirectoryError(f"{where}: {name} must be a list of objects")
    return listed
