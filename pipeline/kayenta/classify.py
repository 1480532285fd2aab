"""One metric's two series to Pass, High, Low, Nodata, NodataFailMetric or Error, as NetflixACAJudge-v1.0 does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.kayenta.arithmetic import mean, percentile, ranks
from pipeline.kayenta.config import Analysis, EffectSize, Outliers
from pipeline.kayenta.mannwhitney import Z_98, AllTiedError, shift

__all__ = [
    "NETFLIX",
    "Classification",
    "Convention",
    "Label",
    "classify",
    "cles",
    "mean_ratio",
    "outliers",
    "prepare",
]

Floats = NDArray[np.float64]

_NOISE: Final = 1e-5  # of the value: what is added to two constant series so that they can be ranked


class Label(StrEnum):
    """Kayenta's names for what a metric came out as."""

    PASS = "Pass"  # noqa: S105 - a classification, no password
    HIGH = "High"
    LOW = "Low"
    NODATA = "Nodata"
    NODATA_FAIL = "NodataFailMetric"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Convention:
    """The two numbers that Kayenta fixes: `tolerance` is a fraction of the estimate, `z` the lower quantile."""

    tolerance: float = 0.25
    z: float = Z_98


NETFLIX: Final = Convention()


@dataclass(frozen=True, slots=True)
class Classification:
    """`critical`: this metric alone fails the canary, unless it passed. `ratio`: of means; NaN where a mean is 0."""

    label: Label
    critical: bool = False
    ratio: float = 1.0
    reason: str = ""


def prepare(values: Floats, analysis: Analysis) -> Floats:
    """The series without NaN (removed, or zeros in their place) and, where asked, without outliers."""
    kept = np.where(np.isnan(values), 0.0, values) if analysis.replaces_nan else values[~np.isnan(values)]
    return kept[~outliers(kept, analysis.outliers)] if analysis.outliers.removed else kept


def outliers(values: Floats, rule: Outliers) -> NDArray[np.bool_]:
    """Which values lie beyond the quartiles by `factor` interquartile ranges and beyond percentiles 1 and 99."""
    low, high = percentile(values, 25), percentile(values, 75)
    fence_low = min(percentile(values, 1), low - rule.factor * (high - low))
    fence_high = max(percentile(values, 99), high + rule.factor * (high - low))
    return (values < fence_low) | (values > fence_high)


def mean_ratio(control: Floats, experiment: Floats) -> float:
    """Mean of the experiment by mean of the control; NaN where either is 0."""
    below, above = mean(control), mean(experiment)
    return math.nan if below == 0 or above == 0 else above / below


def cles(control: Floats, experiment: Floats) -> float:
    """The share of pairs in which the experiment's value is the higher one, ties counting half, 0-1."""
    n, m = len(control), len(experiment)
    first = float(ranks(np.concatenate((experiment, control)))[:m].sum())
    return (2 * first - m * (m + 1)) / (2 * n * m)


def classify(
    control: Floats, experiment: Floats, analysis: Analysis, convention: Convention = NETFLIX
) -> Classification:
    """Classify two series that `prepare` gave; control is the baseline, experiment the canary. Never raises."""
    if len(experiment) == 0 or len(control) == 0:
        return _without_data(
            analysis, "canary" if len(control) else "baseline" if len(experiment) else "either"
        )
    if np.array_equal(np.sort(experiment), np.sort(control)):
        return Classification(Label.PASS, reason="the same values in both")
    if len(np.unique(np.concatenate((experiment, control)))) == 1:
        return Classification(Label.PASS, reason="one value throughout")
    if len(np.unique(experiment)) == 1 and len(np.unique(control)) == 1:
        experiment, control = _with_noise(experiment, control)
    try:
        return _compare(control, experiment, analysis, convention)
    except AllTiedError:
        return Classification(Label.ERROR, ratio=math.nan, reason="could not be compared; counts for nothing")


def _without_data(analysis: Analysis, where: str) -> Classification:
    if analysis.replaces_nan:
        return Classification(Label.PASS, reason=f"no data in {where}; passes for nanStrategy is replace")
    if analysis.must_have_data and not analysis.critical:
        return Classification(Label.NODATA_FAIL, reason=f"no data in {where}, and it must have data")
    return Classification(Label.NODATA, analysis.critical, reason=f"no data in {where}")


def _with_noise(experiment: Floats, control: Floats) -> tuple[Floats, Floats]:
    # Kayenta's noise differs from call to call; ours is the same always, so that a verdict can be repeated.
    generator = np.random.default_rng(0)

    def noisy(values: Floats) -> Floats:
        noise: Floats = generator.standard_normal(len(values)) * (values[0] * _NOISE)
        return values + (noise + 0.0)  # as Kayenta adds a mean of 0: so noise is never -0.0

    return noisy(experiment), noisy(control)


def _compare(
    control: Floats, experiment: Floats, analysis: Analysis, convention: Convention
) -> Classification:
    found = shift(experiment, control, convention.z)
    ratio = mean_ratio(control, experiment)
    size = analysis.effect_size
    effect = cles(control, experiment) if size.measure == "cles" else ratio
    margin = convention.tolerance * abs(found.estimate)
    if analysis.direction != "decrease" and found.low > margin and _at_least(effect, size.allowed_increase):
        critical = analysis.critical and _at_least(effect, size.critical_increase)
        return Classification(Label.HIGH, critical, ratio, _said("higher", effect, size, critical))
    if analysis.direction != "increase" and found.high < -margin and _at_most(effect, size.allowed_decrease):
        critical = analysis.critical and _at_most(effect, size.critical_decrease)
        return Classification(Label.LOW, critical, ratio, _said("lower", effect, size, critical))
    return Classification(Label.PASS, ratio=ratio)


def _at_least(effect: float, limit: float) -> bool:
    return math.isnan(effect) or effect >= limit  # an unknown effect does not excuse the metric


def _at_most(effect: float, limit: float) -> bool:
    return math.isnan(effect) or effect <= limit


def _said(word: str, effect: float, size: EffectSize, critical: bool) -> str:
    if math.isnan(effect):
        measured = "a mean is 0, so no ratio"
    else:
        measured = f"CLES {effect:.3g}" if size.measure == "cles" else f"mean x {effect:.3g}"
    return f"{word} in the canary ({measured}){', and critical' if critical else ''}"
