"""From a run directory's tables to evidence: which sample belongs to which version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import RunDirectoryError
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.words import count_of
from pipeline.rundir_tables import RequestRows, SeriesRows

__all__ = ["Phase", "Terms", "build_evidence", "read_phases", "read_problems", "read_terms"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_COLOUR = {"baseline": "blue", "canary": "green"}
# A switch has no stragglers in a measured phase, a warm-up lies between. More of them than this, or of requests that
# the proxy let hang or refused, is a broken proxy.
_MOST_OF_THE_PROXY = 0.01


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


def build_evidence(
    phases: Sequence[Phase],
    problems: Sequence[Problem],
    requests: RequestRows | None,
    series: SeriesRows | None,
    terms: Terms,
) -> Evidence:
    """Both arms. Rows that the other version served are left out, counted, and reported as a problem."""
    arms: dict[str, Arm] = {}
    found = list(problems)
    for arm in _COLOUR:
        own = [phase for phase in phases if phase.arm == arm]
        kept, wrong = _requests(arm, own, requests)
        found += wrong
        arms[arm] = Arm(
            requests=kept,
            series=_series(arm, own, series),
            seconds=sum(phase.end - phase.start for phase in own),
            phase_starts=tuple(phase.start for phase in own),
        )
    return Evidence(
        arms["baseline"], arms["canary"], tuple(found),
        pairing=terms.pairing, drift=terms.drift, planned=terms.planned,
    )  # fmt: skip


def _requests(arm: str, phases: Sequence[Phase], rows: RequestRows | None) -> tuple[Requests, list[Problem]]:
    if rows is None:
        nothing = np.zeros(0, dtype=np.int64)
        return Requests(np.zeros(0), np.zeros(0), nothing, nothing, nothing), []
    inside = _within(rows.t, phases)
    # No header: nobody answered, or the proxy itself did. That counts against the version whose phase it was.
    own = inside & ((rows.served_by == _COLOUR[arm]) | (rows.served_by == ""))
    kept = Requests(
        rows.t[own], rows.latency[own], rows.status[own], rows.body_ok[own], rows.size[own], rows.body[own]
    )
    return kept, _proxys_own(arm, rows, inside, own)


def _proxys_own(arm: str, rows: RequestRows, inside: Bools, own: Bools) -> list[Problem]:
    """What the proxy did wrong in an arm's phases: rather its fault than the version's, above a share."""
    sent = int(np.count_nonzero(inside))
    problems = []
    if strays := int(np.count_nonzero(inside & ~own)):
        said = (
            f"{count_of(strays, sent)} requests in the {arm}'s phases were served elsewhere and are left out"
        )
        if strays > _MOST_OF_THE_PROXY * sent:
            problems.append(Problem("invalid", f"{said}: the proxy did not route as it was told"))
        else:
            problems.append(Problem("note", said))
    # A version that hangs or dies is answered for by the proxy, with its colour, sooner than the loader gives up; but
    # a connection that the proxy closes after such an answer can reset the request that came next on it.
    silent = (rows.error[own] != "") & (rows.error[own] != "reset") & (rows.served_by[own] == "")
    unanswered = int(np.count_nonzero(silent))
    if unanswered > _MOST_OF_THE_PROXY * sent:
        said = f"the proxy answered none of {count_of(unanswered, sent)} requests in the {arm}'s phases"
        problems.append(Problem("invalid", said))
    return problems


def _series(arm: str, phases: Sequence[Phase], rows: SeriesRows | None) -> dict[str, Series]:
    if rows is None:
        return {}
    inside = _within(rows.t, phases) & (rows.arm == arm)
    t, metric, value = rows.t[inside], rows.metric[inside], rows.value[inside]
    return {str(name): Series(t[metric == name], value[metric == name]) for name in np.unique(metric)}


def _within(t: Floats, phases: Sequence[Phase]) -> Bools:
    inside = np.zeros(len(t), dtype=np.bool_)
    for phase in phases:
        inside |= (t >= phase.start) & (t < phase.end)
    return inside


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _objects(where: Path, name: str, listed: Any) -> list[dict[str, Any]]:
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise RunDirectoryError(f"{where}: {name} must be a list of objects")
    return listed
