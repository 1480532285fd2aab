"""What a profile may say about each metric: which way is harm, and how much worse is too much."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.judge.catalogue import CATALOGUE, Direction, Kind, Metric

__all__ = ["MetricRule", "Threshold", "default_rules"]

_BYTES: Final = MappingProxyType(
    {
        **{"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9},
        **{"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    }
)
_SUFFIXES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "fraction": {"pp": 0.01},
        "s": {"us": 1e-6, "ms": 1e-3, "s": 1.0},
        "1/s": {"/s": 1.0},
        "B": _BYTES,
        "B/min": {f"{suffix}/min": factor for suffix, factor in _BYTES.items()},
        "cores": {"cores": 1.0, "core": 1.0},
        "load": {},
        "count": {},
        "margins": {},
    }
)
# Kinds of which only an increase can be harm, and why.
_ONLY_INCREASE: Final[Mapping[Kind, str]] = MappingProxyType(
    {Kind.JOINT: "is what requests cost", Kind.COUNT: "counts events", Kind.TREND: "is a growth"}
)
_NUMBER: Final = re.compile(r"\s*(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(.*?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Threshold:
    """How much worse is too much: a fraction of the baseline when `relative`, else the metric's unit."""

    value: float
    relative: bool

    @classmethod
    def parse(cls, text: str, metric: Metric) -> Threshold:
        """Reads "10%", "0.5pp", "8MB", "20ms" or a plain number in the metric's unit. Raises ValueError.

        >>> Threshold.parse("0.5pp", CATALOGUE["error_rate"])
        Threshold(value=0.005, relative=False)
        """
        match = _NUMBER.fullmatch(text)
        suffixes = _SUFFIXES.get(metric.unit, {})  # a unit of a configuration's own takes plain numbers
        if match is None:
            raise ValueError(f"threshold {text!r} is not a number with a unit, such as {metric.threshold!r}")
        number, suffix = float(match[1]), match[2]
        if not math.isfinite(number):
            raise ValueError(f"threshold {text!r} is too large a number")
        if suffix == "%":
            if metric.kind in (Kind.PROPORTION, Kind.COUNT, Kind.TREND, Kind.JOINT):
                raise ValueError(
                    f"threshold {text!r}: {metric.name} is compared by difference, "
                    f"so write it like {metric.threshold!r}, not relative to the baseline"
                )
            if number <= 0:
                raise ValueError(f"threshold {text!r} must be more than 0 %")
            return cls(number / 100, relative=True)
        if suffix and suffix not in suffixes:
            allowed = ", ".join(suffixes) or "none"
            raise ValueError(
                f"threshold {text!r}: {metric.name} is in {metric.unit}; known units here: {allowed}"
            )
        return cls(number * suffixes.get(suffix, 1.0), relative=False)


class MetricRule(BaseModel):
    """One metric to compare. Only `name` is needed: the rest has the catalogue's values.

    `weight` is what the score loses when the metric fails, `critical` makes a fail fail the canary alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    direction: Direction
    weight: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
    critical: Annotated[bool, Field(strict=True)]
    threshold: str
    group: Annotated[str, Field(min_length=1, max_length=40)]

    @model_validator(mode="before")
    @classmethod
    def _fill_from_catalogue(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        if not isinstance(data.get("name"), str):
            raise ValueError(f"a metric needs a name; known: {', '.join(CATALOGUE)}")
        metric = CATALOGUE.get(data["name"])
        if metric is None:
            raise ValueError(f"there is no metric {data['name']!r}; known: {', '.join(CATALOGUE)}")
        given = dict(data)
        # YAML reads `threshold: 20` as a number; a plain number in the metric's unit is meant.
        if isinstance(given.get("threshold"), int | float) and not isinstance(given["threshold"], bool):
            given["threshold"] = repr(given["threshold"])
        defaults = {
            "direction": metric.direction,
            "weight": metric.weight,
            "critical": metric.critical,
            "threshold": metric.threshold,
            "group": metric.group,
        }
        return {**defaults, **given}

    @model_validator(mode="after")
    def _check_threshold(self) -> MetricRule:
        limit = Threshold.parse(self.threshold, self.metric)
        if limit.relative and limit.value >= 1 and self.direction is not Direction.INCREASE:
            raise ValueError(
                f"threshold {self.threshold!r}: {self.name} may fall by less than 100 % only, else nothing is too much"
            )
        why = _ONLY_INCREASE.get(self.metric.kind)
        if why is not None and self.direction is not Direction.INCREASE:
            raise ValueError(f"direction: {self.name} {why}, so only an increase is harmful")
        return self

    @property
    def metric(self) -> Metric:
        """The catalogue's entry."""
        return CATALOGUE[self.name]

    @property
    def limit(self) -> Threshold:
        """The threshold, parsed."""
        return Threshold.parse(self.threshold, self.metric)


def default_rules() -> tuple[MetricRule, ...]:
    """Every metric of the catalogue with its default direction, weight, group and threshold."""
    return tuple(MetricRule.model_validate({"name": name}) for name in CATALOGUE)
