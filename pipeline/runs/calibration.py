"""How far two measurements of the same code lie apart on the same hosts: the drift that a fail must exceed.

`pipeline calibrate` stores the differences that it saw; a later run of the same kind on the same hosts takes a bound
for the next difference from them. Nothing is ever subtracted from what a run measures. The trends within a phase are
stored beside them: they show a machine that becomes slower or faster while it is measured.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from pipeline.base.errors import EnvironmentError_
from pipeline.base.files import write_whole
from pipeline.base.problems import first_problem
from pipeline.base.text import reason_of
from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.judge.words import amount, percent
from pipeline.runs.record import Record

__all__ = ["Calibration", "Key", "Measured", "Store", "drift_bound", "measured_of", "note", "trends_of"]

_FORMAT: Final = 1
_MOST_RUNS: Final = 20  # of one key: what a machine was like long ago says little

# For the trends: a metric is taken in blocks, and a line through fewer of them says nothing.
_BLOCK_SECONDS: Final = 5.0
_LEAST_BLOCKS: Final = 4
_SERIES: Final = ("service_cpu", "service_memory", "host_cpu", "host_memory")

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Key:
    """What must be the same for a calibration to say something about a run: durations in s, rate in 1/s.

    `hosts` is the local lab's provider, or the addresses of the hosts that the user has; `share` the canary's fraction
    of the requests where both versions are measured at once.
    """

    profile: str
    repo: str
    hosts: str
    schedule: str
    rate: float
    duration: float
    warmup: float
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a version against itself.

    `effects` are the differences by metric, in the terms of `kinds` ("relative" or "absolute") and of the verdict's
    effects; `trends` by metric how it moved within a phase, as a fraction a minute.
    """

    created: str
    commit: str
    effects: Mapping[str, float]
    kinds: Mapping[str, str]
    trends: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calibration:
    """All runs of one key, oldest first."""

    key: Key
    runs: tuple[Measured, ...]

    def effects(self, name: str) -> tuple[str, list[float]]:
        """The newest run's kind of effect of a metric, and the differences of that kind; terms do not mix."""
        kind = next((run.kinds[name] for run in reversed(self.runs) if name in run.kinds), "absolute")
        return kind, [run.effects[name] for run in self.runs if run.kinds.get(name) == kind]

    def names(self) -> list[str]:
        """Every metric that any run has."""
        return list(dict.fromkeys(name for run in self.runs for name in run.effects))

    def to_run(self) -> dict[str, Any]:
        """As written in a later run's run.json."""
        seen = {name: self.effects(name) for name in self.names()}
        return {
            "created": self.runs[-1].created,
            "runs": len(self.runs),
            "drift": {name: drift_bound(effects) for name, (_, effects) in seen.items()},
            "kinds": {name: kind for name, (kind, _) in seen.items()},
        }


def drift_bound(differences: Sequence[float]) -> float:
    """What the next difference of the same code stays below in 97.5 of 100 cases: a prediction interval's bound.

    With m differences D, s^2 = mean(D^2) has m degrees of freedom, since the same code differs by 0 on average:
    t(.975, m) s sqrt(1 + 1/m). Student's t makes few runs expensive (m = 1: 18 s, m = 5: 2.8 s). The root, needed
    where a mean is estimated, is kept: the arms' order may shift the mean a little. Hahn & Meeker, *Statistical
    Intervals*, 1991, section 4.7.

    >>> [round(drift_bound([0.01] * m), 3) for m in (1, 2, 5, 20)]
    [0.18, 0.053, 0.028, 0.021]
    """
    from scipy.special import (
        stdtrit,
    )  # takes a third of a second, which only `calibrate` and calibrated runs need

    m = len(differences)
    s = math.sqrt(sum(d * d for d in differences) / m)
    return float(stdtrit(m, 0.975)) * s * math.sqrt(1 + 1 / m)


def measured_of(record: Record, verdict: Verdict, trends: Mapping[str, float]) -> Measured | None:
    """What a run of a version against itself showed; None when the run itself was broken."""
    if verdict.outcome is Outcome.INVALID:
        return None
    # That includes metrics that can only be judged after a calibration: their differences are wanted most.
    compared = [m for m in (*verdict.metrics, *verdict.by_request) if m.effect is not None]
    return Measured(
        created=record.created,
        commit=record.canary.sha,
        effects={m.name: m.effect for m in compared if m.effect is not None},
        kinds={m.name: m.effect_kind for m in compared},
        trends=trends,
    )


def note(calibration: Mapping[str, Any], rules: Sequence[MetricRule]) -> str:
    """What run.json's `calibration` changes, in a sentence for the reports."""
    drift, kinds = calibration.get("drift", {}), calibration.get("kinds", {})
    more = []
    for rule in rules:
        bound, limit = drift.get(rule.name, 0.0), rule.limit
        if bound > limit.value and kinds.get(rule.name) == ("relative" if limit.relative else "absolute"):
            words = percent if limit.relative else lambda value, unit=rule.metric.unit: amount(value, unit)
            more.append(f"{rule.metric.title} {words(bound)} instead of {words(limit.value)}")
    demands = f"to fail, these must be worse by more: {'; '.join(more)}" if more else "no margin is widened"
    runs, newest = calibration.get("runs"), str(calibration.get("created"))[:10]
    said = f"{runs} run{'' if runs == 1 else 's'} of the same code, the last {newest}"
    return f"Calibrated with {said}: {demands}"


_STORED: Final = TypeAdapter(tuple[Calibration, ...])


class Store:
    """The calibrations of this checkout: one JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> tuple[Calibration, ...]:
        """Each key's. Raises EnvironmentError_ when the file is none of ours."""
        try:
            data = json.loads(self._path.read_text("utf-8"))
            if not isinstance(data, dict) or data.get("format") != _FORMAT:
                raise self._unusable(f"is not of format {_FORMAT}")
            return _STORED.validate_python(data.get("calibrations"))
        except FileNotFoundError:
            return ()
        except ValidationError as error:
            raise self._unusable(first_problem(error, data.get("calibrations"))) from None
        except (OSError, ValueError, RecursionError) as error:
            raise self._unusable(reason_of(error)) from None

    def find(self, key: Key) -> Calibration | None:
        """The one of this key, None where there is none."""
        return next((known for known in self.all() if known.key == key and known.runs), None)

    def add(self, key: Key, run: Measured, *, fresh: bool = False) -> Calibration:
        """Adds a run, in place of all earlier ones of its key when `fresh`; whole or not at all."""
        known = None if fresh else self.find(key)
        runs = (*(known.runs if known else ()), run)[-_MOST_RUNS:]
        calibration = Calibration(key, runs)
        others = [other for other in self.all() if other.key != key]
        stored = [asdict(known) for known in (*others, calibration)]
        text = json.dumps({"format": _FORMAT, "calibrations": stored}, indent=1)
        write_whole(self._path, text + "\n", mode=0o600)
        return calibration

    def _unusable(self, why: str) -> EnvironmentError_:
        what = why.splitlines()[0]
        return EnvironmentError_(f"{self._path}: cannot be used: {what}", hint=f"rm {self._path}")


def trends_of(evidence: Evidence) -> dict[str, float]:
    """By metric, the mean trend within a phase over both arms, as a fraction a minute: 0.02 is 2 % more each minute.

    The least-squares slope of the logarithms of 5 s medians. A metric without four positive blocks in any phase is
    absent.
    """
    found: dict[str, list[float]] = {}
    for arm in (evidence.baseline, evidence.canary):
        answered = np.isfinite(arm.requests.latency)
        samples = {"latency_p50": (arm.requests.t[answered], arm.requests.latency[answered])}
        samples |= {
            name: (arm.series[name].t, arm.series[name].value) for name in _SERIES if name in arm.series
        }
        for name, (t, value) in samples.items():
            found.setdefault(name, []).extend(_slopes(arm, t, value))
    return {name: float(np.mean(slopes)) for name, slopes in found.items() if slopes}


def _slopes(arm: Arm, t: _Floats, value: _Floats) -> list[float]:
    """The slope within each of the arm's phases that is long enough."""
    slopes = []
    edges = [*arm.phase_starts, np.inf]
    for start, end in pairwise(edges):
        inside = (t >= start) & (t < end) & np.isfinite(value)
        number = np.floor((t[inside] - start) / _BLOCK_SECONDS)
        blocks = np.unique(number)
        medians = np.asarray([np.median(value[inside][number == block]) for block in blocks])
        good = medians > 0
        if np.count_nonzero(good) >= _LEAST_BLOCKS:
            minutes = (blocks[good] + 0.5) * _BLOCK_SECONDS / 60
            slopes.append(float(np.polyfit(minutes, np.log(medians[good]), 1)[0]))
    return slopes
