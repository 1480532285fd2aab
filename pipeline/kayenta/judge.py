"""Two sets of series and a canary configuration to a verdict: what Spinnaker's NetflixACAJudge-v1.0 would say.

Compatibility, its failings included: docs/kayenta.md says where it fails open. Pure, as the other judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.verdict import Outcome
from pipeline.kayenta.arithmetic import mean, variance
from pipeline.kayenta.classify import Classification, classify, prepare
from pipeline.kayenta.config import JUDGE, CanaryConfig, MetricConfig, Thresholds
from pipeline.kayenta.score import Metric, Score, ScoreLabel, score

__all__ = ["KayentaVerdict", "MetricPair", "MetricResult", "Stats", "judge", "judge_pairs", "titled"]

Floats = NDArray[np.float64]
_NOTHING: Floats = np.empty(0)

_OUTCOMES = {
    ScoreLabel.PASS: Outcome.PASSED,
    ScoreLabel.MARGINAL: Outcome.INCONCLUSIVE,
    ScoreLabel.FAIL: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class Stats:
    """One prepared series; all 0 when it has no values. `std` is the sample's."""

    count: int
    min: float
    max: float
    mean: float
    std: float


@dataclass(frozen=True, slots=True, eq=False)
class MetricPair:
    """A metric's two series, finite or NaN.

    A metric that is split by labels has a pair for each of their values, which are its `tags`.
    """

    config: MetricConfig
    baseline: Floats
    canary: Floats
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric: what it is made of and what it came out as. `tags`: the labels by which it is one of several."""

    config: MetricConfig
    baseline: Stats
    canary: Stats
    result: Classification
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KayentaVerdict:
    """The whole verdict. `notes` are plain sentences on what decided less than it seems to."""

    metrics: tuple[MetricResult, ...]
    score: Score
    thresholds: Thresholds
    notes: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """Pass, Marginal and Fail in this tool's words: passed, inconclusive, failed."""
        return _OUTCOMES[self.score.label]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: `result` has the keys and words of Kayenta's CanaryJudgeResult. NaN is left in."""
        summary = self.score
        return {
            "format": 1,
            "judge": "kayenta",
            "outcome": self.outcome.value,
            "thresholds": self.thresholds.model_dump(by_alias=True),
            "notes": list(self.notes),
            "result": {
                "judgeName": JUDGE,
                "results": [_metric_to_dict(metric) for metric in self.metrics],
                "groupScores": [{"name": group.name, "score": group.score} for group in summary.groups],
                "score": {
                    "score": summary.score,
                    "classification": summary.label.value,
                    "classificationReason": summary.reason,
                },
            },
        }


def titled(name: str, tags: Mapping[str, str]) -> str:
    """A metric as it is called where its series are split by labels.

    >>> titled("cpu", {"mode": "user"}), titled("cpu", {})
    ('cpu {mode: user}', 'cpu')
    """
    return f"{name} {{{', '.join(f'{key}: {value}' for key, value in tags.items())}}}" if tags else name


def _metric_to_dict(metric: MetricResult) -> dict[str, Any]:
    def stats(of: Stats) -> dict[str, Any]:
        return {"stats": {"count": of.count, "min": of.min, "max": of.max, "mean": of.mean, "std": of.std}}

    return {
        "name": metric.config.name,
        "tags": dict(metric.tags),
        "classification": metric.result.label.value,
        "classificationReason": metric.result.reason or None,
        "groups": list(metric.config.groups),
        "critical": metric.result.critical,
        "muted": metric.config.analysis.muted,
        "resultMetadata": {"ratio": metric.result.ratio},
        "controlMetadata": stats(metric.baseline),
        "experimentMetadata": stats(metric.canary),
    }


def judge(
    config: CanaryConfig, thresholds: Thresholds, baseline: Mapping[str, Floats], canary: Mapping[str, Floats]
) -> KayentaVerdict:
    """Judge the configuration's metrics on series by name, finite or NaN. A series that is absent has no values."""
    pairs = [
        MetricPair(metric, baseline.get(metric.name, _NOTHING), canary.get(metric.name, _NOTHING))
        for metric in config.metrics
    ]
    absent = [
        f"no series {metric.name!r} in the {side}"
        for metric in config.metrics
        for side, series in (("baseline", baseline), ("canary", canary))
        if metric.name not in series
    ]
    return judge_pairs(config, thresholds, pairs, absent)


def judge_pairs(
    config: CanaryConfig, thresholds: Thresholds, pairs: Iterable[MetricPair], notes: Iterable[str] = ()
) -> KayentaVerdict:
    """Judge pairs of series of the configuration's metrics; each counts as Kayenta counts a metric."""
    with np.errstate(all="ignore"):  # sums beyond the largest double are infinite here as they are in Java
        metrics = tuple(_metric(pair) for pair in pairs)
    counted = [
        Metric(m.config.name, m.config.groups, m.result) for m in metrics if not m.config.analysis.muted
    ]
    chance = [
        f"{m.config.name}: one sample against one: Kayenta's own answer is chance, High or Low or Error (no weight)"
        for m in metrics
        if m.baseline.count == m.canary.count == 1 and m.baseline.mean != m.canary.mean
    ]
    summary = score(counted, config.classifier.group_weights, thresholds)
    return KayentaVerdict(metrics, summary, thresholds, (*config.notes, *notes, *chance))


def _metric(pair: MetricPair) -> MetricResult:
    analysis = pair.config.analysis
    control, experiment = prepare(pair.baseline, analysis), prepare(pair.canary, analysis)
    result = classify(control, experiment, analysis)
    return MetricResult(pair.config, _stats(control), _stats(experiment), result, pair.tags)


def _stats(values: Floats) -> Stats:
    if len(values) == 0:
        return Stats(0, 0.0, 0.0, 0.0, 0.0)
    std = float(np.sqrt(variance(values)))
    return Stats(len(values), float(values.min()), float(values.max()), mean(values), std)
