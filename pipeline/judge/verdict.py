"""What the judge gives back. `to_dict` is the schema of verdict.json and of `--json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Decision", "GroupScore", "Lack", "MetricVerdict", "Outcome", "Summary", "Verdict"]


class Outcome(StrEnum):
    """The verdict on a run."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class Decision(StrEnum):
    """What one metric says."""

    PASS = "pass"  # noqa: S105 - a decision, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"  # data, but not enough to tell
    NODATA = "nodata"  # nothing to compare


class Lack(StrEnum):
    """What an undecided metric lacks."""

    NOTHING = ""  # it is decided, or there is nothing to compare
    CERTAINTY = "certainty"  # there are samples enough, but they show neither
    SAMPLES = "samples"  # too few of them, or none of one version
    TRUST = "trust"  # they cannot be what they say


@dataclass(frozen=True, slots=True)
class Summary:
    """One arm of one metric, in the metric's unit. None where there is nothing to say."""

    n: int
    value: float | None  # what is compared: the statistic the rule names (mean, median, p99, rate, slope ...)
    median: float | None = None
    p05: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """One row of the table.

    `effect`, `low`, `high`, `threshold` and `drift` are in the same terms, positive meaning harmful: a fraction
    (0.10 = 10 % worse) when `effect_kind` is "relative", the metric's unit when "absolute".

    Attributes:
        low: the harm is at least this, by the strongest look so far; None where nothing can be said yet.
        high: the harm is at most this, by the last look; None where nothing can be said yet.
        effective: how many independent samples the evidence is worth.
        more_minutes: how many more minutes of the same would decide an undecided metric; None where it is decided, or
            where more of the same would not help.
        decided_after: seconds of the canary's measurement after which a failed metric was shown to be worse.
        drift: what a calibration saw between two measurements of the same code; a fail demands more than it.
        lacks: what it would take to decide an undecided metric.
        request: the request of a mix that it is of; empty: of all.
        worse: of a failed metric of all requests, those that fail by themselves.
    """

    name: str
    title: str
    group: str
    unit: str
    weight: float
    critical: bool
    baseline: Summary
    canary: Summary
    effect: float | None
    effect_kind: str
    threshold: float
    decision: Decision
    reason: str
    low: float | None = None
    high: float | None = None
    effective: float | None = None
    more_minutes: float | None = None
    decided_after: float | None = None
    drift: float = 0.0
    lacks: Lack = Lack.NOTHING
    request: str = ""
    worse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A group of metrics: its weight in the score and its own score 0-100 (None: it had no data)."""

    name: str
    weight: float
    score: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole verdict. `score` is 0-100, None when the run is invalid.

    `reasons` are plain sentences, most important first. `alpha` is the chance that any metric fails at any look
    when none is worse. `undecided` is the policy's; `let_pass` names the undecided metrics without which the run would
    not have passed, empty where it passed without that policy or did not pass. `metrics` are those that decide;
    `by_request` are those of each request of a mix by itself, of which only a fail decides anything.
    """

    outcome: Outcome
    score: float | None
    pass_score: float
    reasons: tuple[str, ...]
    metrics: tuple[MetricVerdict, ...]
    groups: tuple[GroupScore, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)
    alpha: float = 0.02
    undecided: str = "inconclusive"
    let_pass: tuple[str, ...] = ()
    by_request: tuple[MetricVerdict, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, `format` first."""
        return {"format": 2, **asdict(self)}
