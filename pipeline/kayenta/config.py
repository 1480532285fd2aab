"""Spinnaker's canary configuration: the part of the JSON that decides, and what Kayenta does with the rest.

Kayenta reads leniently: words it does not know mean the default, keys it does not know mean nothing. The same
holds here, or its verdicts could not be reproduced; `notes` names each such case. What makes Kayenta fail
with an exception (a text for a number, an outlier factor of 0) is a problem with its line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    model_validator,
)
from pydantic.alias_generators import to_camel

from pipeline.base.errors import UsageError
from pipeline.base.yamlfile import validate
from pipeline.kayenta.envelope import Unwrapped, unwrap
from pipeline.kayenta.jsonfile import read_json
from pipeline.kayenta.notes import notes

__all__ = [
    "JUDGE",
    "Analysis",
    "CanaryConfig",
    "Classifier",
    "EffectSize",
    "MetricConfig",
    "Outliers",
    "Part",
    "Thresholds",
    "distinct",
    "load_config",
    "or_empty",
    "read_config",
]

JUDGE: Final = "NetflixACAJudge-v1.0"

_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Part(BaseModel):
    """Any part of Spinnaker's JSON: keys in camelCase, those that are not known mean nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


def or_empty(value: Any) -> Any:
    """A null as a mapping without keys, for a validator."""
    return {} if value is None else value  # Kayenta finds nothing inside a null, and takes the defaults


class EffectSize(Part):
    """How large a difference must be; limits are ratios of means (default 1), or CLES (default 0.5)."""

    measure: StrictStr = "meanRatio"
    allowed_increase: _Number = 1.0
    allowed_decrease: _Number = 1.0
    critical_increase: _Number = 1.0
    critical_decrease: _Number = 1.0

    @model_validator(mode="before")
    @classmethod
    def _default_of_the_measure(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("measure") == "cles":
            limits = [to_camel(name) for name in cls.model_fields if name != "measure"]
            return {**dict.fromkeys(limits, 0.5), **data}
        return data


class Outliers(Part):
    """Whether outliers are removed, and how far out they are in interquartile ranges."""

    strategy: StrictStr = "keep"
    factor: Annotated[float, Field(strict=True, allow_inf_nan=False, alias="outlierFactor")] = 3.0

    @model_validator(mode="after")
    def _has_a_range(self) -> Outliers:
        if self.removed and self.factor <= 0:
            raise ValueError("outlierFactor must be greater than 0")
        return self

    @property
    def removed(self) -> bool:
        return self.strategy == "remove"


class Analysis(Part):
    """How one metric is judged: `analysisConfigurations.canary`."""

    direction: StrictStr = "either"
    nan_strategy: StrictStr = "remove"
    critical: StrictBool = False
    must_have_data: StrictBool = False
    muted: StrictBool = False
    effect_size: Annotated[EffectSize, BeforeValidator(or_empty)] = EffectSize()
    outliers: Annotated[Outliers, BeforeValidator(or_empty)] = Outliers()

    @property
    def replaces_nan(self) -> bool:
        return self.nan_strategy == "replace"


class _Analyses(Part):
    canary: Annotated[Analysis, BeforeValidator(or_empty)] = Analysis()


class MetricConfig(Part):
    """One metric: its name is the series' name; each of its groups counts it."""

    name: StrictStr
    groups: tuple[StrictStr, ...]
    analyses: Annotated[_Analyses, BeforeValidator(or_empty), Field(alias="analysisConfigurations")] = (
        _Analyses()
    )

    @property
    def analysis(self) -> Analysis:
        return self.analyses.canary


class Thresholds(Part):
    """Scores from which on the canary passes, or is marginal."""

    pass_score: Annotated[float, Field(strict=True, allow_inf_nan=False, alias="pass")]
    marginal: _Number


class Classifier(Part):
    """Weights of groups, in percent of the whole. Groups without one share the rest to 100."""

    group_weights: Annotated[Mapping[str, _Number], BeforeValidator(or_empty)] = Field(default_factory=dict)
    score_thresholds: Thresholds | None = None


class _Request(Part):
    thresholds: Thresholds | None = None


class _Judge(Part):
    name: str | None = None


_Metric = TypeVar("_Metric", bound=MetricConfig)


def distinct(metrics: tuple[_Metric, ...]) -> tuple[_Metric, ...]:
    """The metrics, when no two have one name. Raises ValueError."""
    names = [metric.name for metric in metrics]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(map(repr, twice))} is given twice")
    return metrics


class CanaryConfig(Part):
    """A canary configuration.

    `notes`: what in it does not do what it looks like. `requested`: the thresholds of the request it came in.
    """

    name: str | None = None
    judge: _Judge | None = None
    metrics: Annotated[tuple[MetricConfig, ...], AfterValidator(distinct)]
    classifier: Classifier
    notes: tuple[str, ...] = Field(default=(), exclude=True)
    requested: Thresholds | None = Field(default=None, exclude=True)

    def thresholds(self, pass_score: float | None = None, marginal: float | None = None) -> Thresholds:
        """Where the score passes: what is given, else the request's, else the configuration's. Raises UsageError."""
        own = self.requested or self.classifier.score_thresholds
        passing = pass_score if pass_score is not None else own.pass_score if own else None
        margin = marginal if marginal is not None else own.marginal if own else None
        if passing is None or margin is None:
            raise UsageError("the configuration has no scoreThresholds", hint="add --pass 95 --marginal 75")
        return Thresholds.model_validate({"pass": passing, "marginal": margin})


_Config = TypeVar("_Config", bound=CanaryConfig)


def load_config(path: Path) -> CanaryConfig:
    """The configuration in a JSON file, for series that are given. Raises ConfigError, every problem with its line."""
    return read_config(path, CanaryConfig)[0]


def read_config(
    path: Path, model: type[_Config], request: Collection[str] = ("thresholds",)
) -> tuple[_Config, Unwrapped]:
    """The configuration in a JSON file as `model`, and what it stood in.

    `request`: the keys of an execution request that the caller reads. Raises ConfigError.
    """
    found = unwrap(read_json(path), request)
    models = (model, CanaryConfig, Classifier, MetricConfig, Analysis, EffectSize, Outliers, Thresholds)
    known = {field.alias or name for one in models for name, field in one.model_fields.items()}
    document = found.config
    config = validate(document, model, known)
    asked = validate(found.request, _Request, known).thresholds if found.request else None
    told = [f"{document.name}:{document.line(at)}: {text}" for at, text in notes(document.data, JUDGE)]
    own = config.classifier.score_thresholds
    if asked and own and asked != own:
        line = document.line(("classifier", "scoreThresholds"))
        told.append(f"{document.name}:{line}: the request's thresholds are used, not these scoreThresholds")
    return config.model_copy(update={"notes": (*found.notes, *told), "requested": asked}), found
