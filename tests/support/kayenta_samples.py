"""Series shaped like those of Kayenta's own test suites, and short ways to judge for the tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.kayenta.classify import NETFLIX, Classification, Convention, classify
from pipeline.kayenta.config import Analysis, CanaryConfig, Thresholds
from pipeline.kayenta.judge import KayentaVerdict, judge

__all__ = [
    "CLES_SUITE",
    "SUITE",
    "Floats",
    "analysis",
    "compare",
    "floats",
    "one_metric",
    "vector",
    "verdict",
]

Floats = NDArray[np.float64]

# What Kayenta's classifier tests use in place of the judge's 0.25 and 98 %.
SUITE = Convention(tolerance=0.10, z=-1.959963984540054)
CLES_SUITE = Convention(tolerance=0.20)


def floats(values: Sequence[float | None]) -> Floats:
    return np.asarray([math.nan if value is None else value for value in values], dtype=np.float64)


def _vectors() -> dict[str, Floats]:
    rng = np.random.default_rng(20260101)
    sparse = [np.where(rng.random(210) < share, rng.normal(2, 0.6, 210), 0.0) for share in (0.35, 0.08)]
    return {
        "same": rng.normal(10, 2, 30),
        "control": rng.normal(10, 2, 30),
        "twice": rng.normal(20, 2, 30),
        "sparse": sparse[0],
        "sparser": sparse[1],
    }


_VECTORS: Mapping[str, Floats] = _vectors()


def vector(given: str | Sequence[float]) -> Floats:
    """A vector of the suite by its name, or values that are written out."""
    return _VECTORS[given] if isinstance(given, str) else floats(given)


def analysis(**canary: Any) -> Analysis:
    return Analysis.model_validate(canary)


def compare(
    control: str | Sequence[float],
    experiment: str | Sequence[float],
    convention: Convention = NETFLIX,
    **canary: Any,
) -> Classification:
    return classify(vector(control), vector(experiment), analysis(**canary), convention)


def one_metric(canary: Any, weights: Any) -> dict[str, Any]:
    """A configuration's document with one metric `m` in the group `g`: its analysis, and the groups' weights."""
    metric = {"name": "m", "groups": ["g"], "analysisConfigurations": {"canary": canary}}
    return {
        "metrics": [metric],
        "classifier": {"groupWeights": weights, "scoreThresholds": {"pass": 9, "marginal": 1}},
    }


def verdict(
    baseline: Mapping[str, Sequence[float]],
    canary: Mapping[str, Sequence[float]],
    *,
    weights: Mapping[str, float] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> KayentaVerdict:
    """The verdict on the metrics of the baseline (each in a group of its name), passing from 95."""
    metrics = [
        {
            "name": name,
            "groups": [name],
            "analysisConfigurations": {"canary": (settings or {}).get(name, {})},
        }
        for name in baseline
    ]
    config = CanaryConfig.model_validate(
        {"metrics": metrics, "classifier": {"groupWeights": dict(weights or {})}}
    )
    return judge(
        config,
        Thresholds.model_validate({"pass": 95, "marginal": 75}),
        {name: floats(values) for name, values in baseline.items()},
        {name: floats(values) for name, values in canary.items()},
    )
