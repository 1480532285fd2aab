"""What of Kayenta's configuration our judge takes: for each metric its margin, direction, weight and group.

Kayenta asks whether a difference is there, our judge whether harm is beyond a margin. `allowedIncrease` 1.1 is a margin
of 10 %. What has no counterpart is told in a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.base.errors import UsageError
from pipeline.base.text import clean
from pipeline.kayenta.config import Analysis, CanaryConfig, MetricConfig, Thresholds
from pipeline.kayenta.judge import titled
from pipeline.kayenta.score import weights_of
from pipeline.series.config import JudgeConfig

__all__ = ["USUAL_MARGIN", "OwnMetric", "notes_on", "own_config", "own_metrics"]

USUAL_MARGIN: Final = 0.1
_WIDEST_FALL: Final = 0.999  # a fall by all there is would be no margin
_LEAST_WEIGHT: Final = 1e-6
_LEAST_SCORE: Final = 0.01
_SAME: Final = 1e-9  # 1.1 - 1 and 1 - 0.9 are one margin
_MOST: Final = 200  # metrics
_OTHER: Final = re.compile(r"[^A-Za-z0-9_.:-]+")


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """One metric of our judge, and that of Kayenta's it stands for; `unit` is what its values are given in."""

    name: str
    title: str
    metric: MetricConfig
    unit: str


def own_metrics(
    found: Sequence[tuple[MetricConfig, Mapping[str, str], bool]],
) -> tuple[OwnMetric | None, ...]:
    """For each metric with the labels of its series: its counterpart; None where it is muted.

    The third of each says whether values below zero were seen. Raises UsageError where there are too many.
    """
    if len(found) > _MOST:
        raise UsageError(
            f"{len(found):,} pairs of series: our judge takes {_MOST}",
            hint="let the queries aggregate by fewer labels, or give --judge kayenta",
        )
    made = list[OwnMetric | None]()
    taken = set[str]()
    for metric, tags, negative in found:
        if metric.analysis.muted:
            made.append(None)
            continue
        title = clean(titled(metric.name, tags), 60) or "?"
        name = _name(title, taken)
        taken.add(name)
        made.append(OwnMetric(name, title, metric, "units" if negative else "count"))
    return tuple(made)


def _name(title: str, taken: set[str]) -> str:
    plain = _OTHER.sub("_", title).strip("_")[:50] or "metric"
    plain = plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"
    several = (f"{plain}_{number}" for number in range(2, _MOST + 2))
    return plain if plain not in taken else next(name for name in several if name not in taken)


def own_config(config: CanaryConfig, thresholds: Thresholds, metrics: Sequence[OwnMetric]) -> JudgeConfig:
    """The metrics as our judge's configuration. Raises UsageError where none is left."""
    if not metrics:
        raise UsageError("all metrics are muted, so there is nothing to judge")
    weights = _weights(config)
    policy = {"pass_score": min(max(thresholds.pass_score, _LEAST_SCORE), 100.0)}
    return JudgeConfig.model_validate(
        {"metrics": [_metric(own, weights) for own in metrics], "policy": policy}
    )


def _metric(own: OwnMetric, weights: Mapping[str, float]) -> dict[str, Any]:
    analysis = own.metric.analysis
    direction, _ = _harm(analysis)
    group = max(own.metric.groups, key=lambda name: weights[name], default="")
    return {
        "name": own.name,
        "title": own.title,
        "kind": "level",
        "unit": own.unit,
        "direction": direction,
        "margin": f"{round(_margin(analysis) * 100, 6):g}%",
        "critical": analysis.critical,
        "group": clean(group, 40) or "no group",
        "weight": max(weights.get(group, 0.0), _LEAST_WEIGHT),
    }


def _weights(config: CanaryConfig) -> dict[str, float]:
    counted = [metric for metric in config.metrics if not metric.analysis.muted]
    return weights_of(
        (group for metric in counted for group in metric.groups), config.classifier.group_weights
    )


def _limits(analysis: Analysis) -> tuple[float | None, float | None]:
    """How much more, and how much less, is allowed as fractions of the baseline; None where nothing is said of it."""
    size = analysis.effect_size
    if size.measure == "cles":
        return None, None
    more, less = size.allowed_increase - 1, 1 - size.allowed_decrease
    return more if more > 0 else None, min(less, _WIDEST_FALL) if less > 0 else None


def _harm(analysis: Analysis) -> tuple[str, list[float | None]]:
    """The direction of harm, and the limits that hold in it."""
    more, less = _limits(analysis)
    if analysis.direction in ("increase", "decrease"):
        return analysis.direction, [more if analysis.direction == "increase" else less]
    return "either", [more, less]


def _margin(analysis: Analysis) -> float:
    direction, limits = _harm(analysis)
    margin = min(USUAL_MARGIN if limit is None else limit for limit in limits)
    return margin if direction == "increase" else min(margin, _WIDEST_FALL)


def notes_on(config: CanaryConfig) -> Iterator[str]:
    """What of the configuration means something else here than in Kayenta, or nothing."""
    counted = [metric for metric in config.metrics if not metric.analysis.muted]
    muted = [metric.name for metric in config.metrics if metric.analysis.muted]
    limits = {metric.name: _harm(metric.analysis)[1] for metric in counted}
    if plain := [name for name, own in limits.items() if None in own]:
        yield (
            f"{_names(plain)}: no allowedIncrease or allowedDecrease for the direction, of which Kayenta takes any "
            f"difference; pipeline takes a margin of {USUAL_MARGIN * 100:g} % (an allowedIncrease of 1.1)"
        )
    uneven = [
        name
        for name, own in limits.items()
        if len(known := [limit for limit in own if limit is not None]) == 2
        and abs(known[0] - known[1]) > _SAME
    ]
    if uneven:
        yield f"pipeline takes the smaller of the two margins in both directions for {_names(uneven)}"
    beyond = [metric.name for metric in counted if _more_for_critical(metric.analysis)]
    if beyond:
        yield (
            f"pipeline lets {_names(beyond)} fail the canary alone from the margin on, not from criticalIncrease or "
            "criticalDecrease on"
        )
    if kept := [metric.name for metric in counted if metric.analysis.outliers.removed]:
        yield f"pipeline keeps the outliers of {_names(kept)}"
    if several := [metric.name for metric in counted if len(set(metric.groups)) > 1]:
        yield f"pipeline counts {_names(several)} in the heaviest of their groups alone"
    if lost := [name for name, weight in _weights(config).items() if weight <= 0]:
        yield f"the weights leave nothing for the group {_names(lost)}: it counts for nothing, unless it is critical"
    if muted:
        yield f"muted, so pipeline does not judge it: {_names(muted)}"


def _more_for_critical(analysis: Analysis) -> bool:
    if not analysis.critical:
        return False
    size = analysis.effect_size
    increase = size.critical_increase > size.allowed_increase
    decrease = size.critical_decrease < size.allowed_decrease
    return (increase and analysis.direction != "decrease") or (decrease and analysis.direction != "increase")


def _names(names: Sequence[str]) -> str:
    told = ", ".join(clean(name, 40) for name in names[:5])
    return told + (f" and {len(names) - 5} more" if len(names) > 5 else "")
