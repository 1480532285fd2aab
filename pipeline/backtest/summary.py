"""What all trials say: how often the gate was wrong, what it found and how soon, and what would find more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from pipeline.backtest.harms import HARMS, NONE
from pipeline.backtest.trial import Trial
from pipeline.series.config import JudgeConfig

__all__ = ["WANTED", "Found", "Margin", "Share", "Summary", "summarize"]

WANTED: Final = 0.95  # of the harm is to be found
_Z: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with where the true share lies with 95 % (Wilson's interval)."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """The share; 0 of none."""
        return self.hits / self.n if self.n else 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """From where to where.

        >>> [round(edge, 3) for edge in Share(0, 100).limits]
        [0.0, 0.037]
        """
        if not self.n:
            return 0.0, 1.0
        n, p, z = self.n, self.value, _Z
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
        # Rounding must not leave the share itself outside.
        return max(0.0, min(low, p)), min(1.0, max(high, p))


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin of one metric at which 95 % of a harm would be found, and what equal versions would then do.

    `relative`: `value` is a fraction of the baseline, else in the metric's `unit`. `alarms`: the share of windows
    without harm in which this metric would fail.
    """

    metric: str
    value: float
    relative: bool
    unit: str
    alarms: Share


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of harm.

    Attributes:
        harm, family, size: as in Harm.
        failed: how often the gate failed: the harm was found.
        passed: how often it passed: the harm went through.
        after: the median of the seconds until it was found; None where it never was.
        by_length: the share found, by the window's length in seconds.
        length: the shortest tried length that finds 95 %; None: none of them.
        margin: what would find 95 % at the length asked for; None: it does, or no margin would.
    """

    harm: str
    family: str
    size: float
    failed: Share
    passed: Share
    after: float | None
    by_length: Mapping[float, Share]
    length: float | None
    margin: Margin | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Of windows of `seconds`: `alarms`, `passed` and `undecided` are of equal versions."""

    seconds: float
    alarms: Share
    passed: Share
    undecided: Share
    harms: tuple[Found, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        data = asdict(self)
        for found in data["harms"]:
            found["by_length"] = {f"{seconds:g}": share for seconds, share in found["by_length"].items()}
        return {"format": 1, **data}


def summarize(config: JudgeConfig, trials: Sequence[Trial], seconds: float) -> Summary:
    """Of all trials; `seconds` is the length that was asked for."""
    equal = [trial for trial in trials if trial.harm == NONE.name]
    outcomes = Counter(trial.outcome for trial in equal)
    alarms, passed = (Share(outcomes[name], len(equal)) for name in ("failed", "passed"))
    undecided = Share(len(equal) - alarms.hits - passed.hits, len(equal))
    harms = []
    for harm in HARMS:
        own = [trial for trial in trials if trial.harm == harm.name]
        here = [trial for trial in own if trial.seconds == seconds]
        if not here:
            continue
        lengths = sorted({trial.seconds for trial in own})
        by_length = {length: _share([t.found for t in own if t.seconds == length]) for length in lengths}
        failed = by_length[seconds]
        late = [trial.after if trial.after is not None else seconds for trial in here if trial.found]
        harms.append(
            Found(
                harm=harm.name,
                family=harm.family,
                size=harm.size,
                failed=failed,
                passed=_share([trial.outcome == "passed" for trial in here]),
                after=float(np.median(late)) if late else None,
                by_length=by_length,
                length=next((length for length in lengths if by_length[length].value >= WANTED), None),
                margin=None if failed.value >= WANTED else _margin(config, harm.metrics(config), here, equal),
            )
        )
    return Summary(seconds, alarms, passed, undecided, tuple(harms))


def _share(hits: Sequence[bool]) -> Share:
    return Share(sum(hits), len(hits))


def _margin(
    config: JudgeConfig, metrics: Sequence[str], harmed: Sequence[Trial], equal: Sequence[Trial]
) -> Margin | None:
    """Of the metrics that a harm moves, the one whose margin would find it with the fewest false alarms.

    A metric fails where the harm is shown to be more than its margin: so 95 % of the bounds must lie above it.
    """
    found = []
    units = {metric.name: metric.rule().metric.unit for metric in config.metrics}
    for name in metrics:
        kinds = Counter(trial.kinds[name] for trial in harmed)
        kind = kinds.most_common(1)[0][0]
        bounds = [_bound(trial, name, kind) for trial in harmed]
        value = float(np.quantile(bounds, 1 - WANTED, method="lower"))
        if not 0 < value < math.inf:
            continue
        alarms = _share([_bound(trial, name, kind) > value for trial in equal])
        found.append(Margin(name, value, kind == "relative", units[name], alarms))
    return min(found, key=lambda one: (one.alarms.value, -one.value), default=None)


def _bound(trial: Trial, name: str, kind: str) -> float:
    shown = trial.shown[name]
    return shown if shown is not None and trial.kinds[name] == kind else -math.inf
