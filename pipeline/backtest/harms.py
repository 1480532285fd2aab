"""The harm that is put into samples of a version that had none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Direction
from pipeline.series.config import JudgeConfig
from pipeline.series.metric import MetricConfig
from pipeline.series.samples import Samples

__all__ = ["HARMS", "NONE", "Harm"]

_Change = Callable[[MetricConfig, Samples, float, np.random.Generator], Samples]
_LEAK: Final = 2.0  # times the margin


@dataclass(frozen=True, slots=True)
class Harm:
    """One kind and size of harm.

    Attributes:
        name: how it is called.
        family: harms of one family differ in size alone.
        size: in the family's own terms: a fraction, or times the margin.
        of: which metrics it moves.
        change: a metric's samples with the harm in them.
    """

    name: str
    family: str
    size: float
    of: Callable[[MetricConfig], bool]
    change: _Change

    def metrics(self, config: JudgeConfig) -> tuple[str, ...]:
        """The names of the metrics that it moves; empty where the configuration has none."""
        return tuple(metric.name for metric in config.metrics if self.of(metric))

    def put_into(
        self, config: JudgeConfig, samples: Mapping[str, Samples], begin: float, rng: np.random.Generator
    ) -> Mapping[str, Samples]:
        """The samples of a window that begins at `begin`, with the harm."""
        return {
            metric.name: self.change(metric, samples[metric.name], begin, rng)
            if self.of(metric)
            else samples[metric.name]
            for metric in config.metrics
        }


def _scaled(size: float) -> _Change:
    def change(_metric: MetricConfig, samples: Samples, _begin: float, _rng: np.random.Generator) -> Samples:
        return replace(samples, value=samples.value * (1 + size))

    return change


def _failing(size: float) -> _Change:
    """So many more of the requests fail, each by chance."""

    def change(metric: MetricConfig, samples: Samples, _begin: float, rng: np.random.Generator) -> Samples:
        if samples.total is None:
            return samples
        bad = metric.direction is Direction.INCREASE
        healthy = samples.total - samples.value if bad else samples.value
        more = rng.binomial(np.maximum(np.rint(healthy), 0).astype(np.int64), size).astype(np.float64)
        return replace(samples, value=samples.value + (more if bad else -np.minimum(more, samples.value)))

    return change


def _leaking(size: float) -> _Change:
    def change(metric: MetricConfig, samples: Samples, begin: float, _rng: np.random.Generator) -> Samples:
        grown: NDArray[np.float64] = size * metric.rule().limit.value * (samples.t - begin) / 60
        return replace(samples, value=samples.value + grown)

    return change


def _level(unit: str) -> Callable[[MetricConfig], bool]:
    def of(metric: MetricConfig) -> bool:
        return metric.kind == "level" and metric.unit == unit and metric.direction is not Direction.DECREASE

    return of


def _proportion(metric: MetricConfig) -> bool:
    return metric.kind == "proportion" and metric.direction is not Direction.EITHER


def _trend(metric: MetricConfig) -> bool:
    return metric.kind == "trend"


NONE: Final = Harm("no harm", "none", 0.0, lambda _: False, _scaled(0.0))
HARMS: Final = (
    *(
        Harm(f"latency +{100 * size:g} %", "latency", size, _level("s"), _scaled(size))
        for size in (0.05, 0.1, 0.2)
    ),
    *(
        Harm(f"errors +{100 * size:g} %", "errors", size, _proportion, _failing(size))
        for size in (0.001, 0.005, 0.01)
    ),
    Harm("a leak, twice its margin", "leak", _LEAK, _trend, _leaking(_LEAK)),
    Harm("CPU +20 %", "cpu", 0.2, _level("cores"), _scaled(0.2)),
)
