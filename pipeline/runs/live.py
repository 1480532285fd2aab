"""The evidence of a run that is under way: what its two tables hold so far, up to the last block that is complete.

A slow request has no row until it ends, so of the newest seconds only the fast requests are there, and the canary
would seem better than it is. So the evidence ends where the first request is missing, and where health was last
sampled. Judged again from the files, with the phases cut there, it is the same evidence.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.runs.evidence import build_evidence, of_phases
from pipeline.runs.network import settled
from pipeline.runs.phases import ANSWER_SECONDS, COLOURS, Phase
from pipeline.runs.record import Record
from pipeline.runs.tables import GrowingTable, RequestRows, SeriesRows

__all__ = ["LiveEvidence", "Snapshot", "baseline_against_itself", "complete_until", "sampled_until"]

_Floats = NDArray[np.float64]

_LONGEST_UNSETTLED: Final = 8.0  # seconds of the canary


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The evidence up to `at` (seconds since the run's start), and the phase that is under way there.

    Not `settled`: whether the network or the canary is slow cannot be told yet.
    """

    at: float
    phase: Phase
    evidence: Evidence
    settled: bool = True


class LiveEvidence:
    """Follows requests.csv and series.csv of a run while they grow.

    Args:
        directory: The run's directory.
        record: What is known of the run by now.
        phases: The whole schedule.
        rate: Requests per second.
        step: The judge's block in seconds: half a block would be another value than the whole one is later.
    """

    def __init__(
        self, directory: Path, record: Record, phases: Sequence[Phase], rate: float, step: float
    ) -> None:
        self._requests: GrowingTable[RequestRows] = GrowingTable.requests(directory / "requests.csv")
        self._series: GrowingTable[SeriesRows] = GrowingTable.series(directory / "series.csv")
        self._network: GrowingTable[SeriesRows] = GrowingTable.series(directory / "network.csv")
        self._phases = phases
        self._rate = rate
        self._step = step
        self._problems = record.problems
        self._terms = record.terms
        self._later_steps = record.later_steps

    def read(self) -> Snapshot | None:
        """What is complete, in whole steps of the phase under way; None while that is a warm-up, or has none."""
        requests, series = self._requests.read(), self._series.read()
        if requests is None or series is None:
            return None
        reached = min(complete_until(requests, self._rate, self._later_steps), sampled_until(series))
        phase = next((phase for phase in self._phases if phase.start <= reached < phase.end), None)
        if phase is None or phase.kind != "measure":
            return None
        steps = math.floor((reached - phase.start) / self._step + 1e-9)
        at = round(phase.start + steps * self._step, 3)  # as run.json will have it
        if at <= phase.start:
            return None
        measured = [
            replace(phase, end=min(phase.end, at))
            for phase in self._phases
            if phase.kind == "measure" and phase.start < at
        ]
        network = self._network.read()
        evidence = build_evidence(measured, self._problems, requests, series, self._terms, network)
        known = evidence.canary.seconds >= _LONGEST_UNSETTLED or settled(
            evidence.canary.requests, of_phases(network, measured)
        )
        return Snapshot(at, phase, evidence, known)


def complete_until(rows: RequestRows, rate: float, later_steps: Collection[str] = ()) -> float:
    """The time before which every request has its row.

    Requests of the schedule are due each 1/`rate` s. When one of the `later_steps` is due depends on an answer: of
    these all have ended that were due longer ago than an answer may take.
    """
    if not later_steps:
        return _first_gap(rows.t, rate)
    scheduled = rows.t[~np.isin(rows.request, list(later_steps))]
    newest = float(rows.t.max()) if len(rows.t) else 0.0
    return max(0.0, min(_first_gap(scheduled, rate), newest - ANSWER_SECONDS))


def _first_gap(t: _Floats, rate: float) -> float:
    """The time before which every request of the schedule (one each 1/`rate` s, from 0 on) is among `t`.

    >>> _first_gap(np.asarray([0.0, 0.04, 0.02, 0.08]), 50)
    0.06
    """
    number = np.rint(t * rate).astype(np.int64)
    seen = np.zeros(len(t) + 1, dtype=np.bool_)  # the first gap is at len(t) at the latest
    seen[number[(number >= 0) & (number < len(t))]] = True
    return float(np.argmin(seen)) / rate


def sampled_until(series: SeriesRows) -> float:
    """Both arms' samples before this are all there: each arm's come in the order of time."""
    newest = []
    for arm in COLOURS:
        t = series.t[series.arm == arm]
        newest.append(float(t[-1]) if len(t) else 0.0)
    return min(newest)


def baseline_against_itself(snapshot: Snapshot) -> Evidence:
    """The baseline as both arms, with as many samples as the canary will be judged with.

    Judging takes processor time, perhaps on the machine that is measured. While the baseline runs this is judged, and
    the verdict thrown away, so that the canary's phases do not bear more of that work than the baseline's.
    """
    arm = snapshot.evidence.baseline
    copies = math.ceil(snapshot.phase.seconds / arm.seconds)
    return replace(snapshot.evidence, baseline=_repeated(arm, copies), canary=arm)


def _repeated(arm: Arm, copies: int) -> Arm:
    def later(t: _Floats) -> _Floats:
        shifts = np.repeat(np.arange(copies) * arm.seconds, len(t))
        return np.asarray(np.tile(t, copies) + shifts, dtype=np.float64)

    rows = arm.requests
    again = {column.name: np.tile(getattr(rows, column.name), copies) for column in fields(rows)}
    requests = Requests(**{**again, "t": later(rows.t)})
    series = {name: Series(later(s.t), np.tile(s.value, copies)) for name, s in arm.series.items()}
    return replace(arm, requests=requests, series=series, seconds=arm.seconds * copies)
