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
from pipeline.base.errors import RunDirectoryError
from pipeline.judge.evidence import Arm, Evidence, Problem, Requests, Series
from pipeline.judge.words import count_of
from pipeline.runs.tables import RequestRows, SeriesRows
from pipeline.runs.record import Phase, Terms, _COLOUR

__all__ = ['build_evidence']

Bools = NDArray[np.bool_]


Floats = NDArray[np.float64]


# A switch has no stragglers in a measured phase, a warm-up lies between. More of them than this, or of requests that
# the proxy let hang or refused, is a broken proxy.
_MOST_OF_THE_PROXY = 0.01


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
