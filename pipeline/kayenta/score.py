"""From classified metrics to group scores, the summary score (0-100) and Pass, Marginal or Fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.kayenta.arithmetic import rounded
from pipeline.kayenta.classify import Classification, Label
from pipeline.kayenta.config import Thresholds

__all__ = ["Group", "Metric", "Score", "ScoreLabel", "score", "weights_of"]

_TOO_MANY: Final = 50  # percent of metrics with no data that fails the canary
_COUNTED: Final = (Label.PASS, Label.HIGH, Label.LOW, Label.NODATA_FAIL)


class ScoreLabel(StrEnum):
    """Kayenta's names for what a canary came out as."""

    PASS = "Pass"  # noqa: S105 - a classification, no password
    MARGINAL = "Marginal"
    FAIL = "Fail"


@dataclass(frozen=True, slots=True)
class Metric:
    """What the score needs of one metric."""

    name: str
    groups: tuple[str, ...]
    result: Classification


@dataclass(frozen=True, slots=True)
class Group:
    """A group: `score` 0-100 is 0 when it had no data, which then counts as 100 in the sum."""

    name: str
    weight: float
    score: float
    no_data: bool


@dataclass(frozen=True, slots=True)
class Score:
    """The summary. `reason` says why it is 0 in spite of the groups' scores; empty when it is their sum."""

    score: float
    label: ScoreLabel
    reason: str
    groups: tuple[Group, ...]


def score(metrics: Sequence[Metric], weights: Mapping[str, float], thresholds: Thresholds) -> Score:
    """Score metrics (the muted ones left out by the caller). `weights` are percent of the whole by group."""
    groups = _groups(metrics, weights)
    value, reason = _summary(metrics, groups)
    if value >= thresholds.pass_score:
        label = ScoreLabel.PASS
    else:
        label = ScoreLabel.MARGINAL if value >= thresholds.marginal else ScoreLabel.FAIL
    return Score(value, label, reason, groups)


def _groups(metrics: Sequence[Metric], weights: Mapping[str, float]) -> tuple[Group, ...]:
    # A metric that names a group twice counts twice there.
    groups = []
    for name, weight in weights_of((group for metric in metrics for group in metric.groups), weights).items():
        labels = [metric.result.label for metric in metrics for group in metric.groups if group == name]
        counted = sum(label in _COUNTED for label in labels)
        part = labels.count(Label.PASS) / counted * 100 if counted else 0.0
        groups.append(Group(name, weight, part, not counted))
    return tuple(groups)


def weights_of(groups: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """Each group's weight in percent of the whole.

    Those without one share what the others leave, which is negative where they leave less than nothing.

    >>> weights_of(["a", "b", "c"], {"a": 60})
    {'a': 60, 'b': 20.0, 'c': 20.0}
    """
    names = list(dict.fromkeys(groups))
    unweighted = [name for name in names if name not in weights]
    rest = (100 - sum(weights.values())) / len(unweighted) if unweighted else 0.0
    return {name: weights.get(name, rest) for name in names}


def _summary(metrics: Sequence[Metric], groups: Sequence[Group]) -> tuple[float, str]:
    for metric in metrics:
        if metric.result.critical and metric.result.label is not Label.PASS:
            return 0.0, f"the critical metric {metric.name}: {metric.result.reason}"
    without = sum(metric.result.label is Label.NODATA for metric in metrics)
    if metrics and without / len(metrics) * 100 >= _TOO_MANY:
        return 0.0, f"{without} of {len(metrics)} metrics had no data, and {_TOO_MANY} % are too many"
    total = 0.0
    for group in groups:
        total += (100.0 if group.no_data else group.score) * (group.weight / 100)
    return rounded(total), ""
