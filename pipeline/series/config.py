"""The configuration of `pipeline judge --config FILE.yml`: which series, what is harm, how much is too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import Document, matching, read_yaml, validate
from pipeline.judge.catalogue import Direction, Kind, Metric
from pipeline.judge.metrics.joint import is_cost
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.series import promql
from pipeline.series.matchers import LabelMatcher
from pipeline.series.metric import CsvSource, MetricConfig, PerArm, PrometheusSource, SeriesRule, templates
from pipeline.series.planned import Planned
from pipeline.series.release import released
from pipeline.series.spinnaker import refuse_spinnakers
from pipeline.series.window import SpanConfig, Step, WindowConfig

__all__ = ["USUAL_STEP", "Arms", "JudgeConfig", "Source", "load_config", "read_released"]

# Seconds between samples where a file does not say: Prometheus' own example of a scrape interval.
USUAL_STEP: Final = 15.0

Source = Literal["prometheus", "csv"]

# Of the policy: what only requests of our own can be held to.
_FOR_REQUESTS: Final = ("expected_status", "max_baseline_error_rate", "min_good_share")
_TOGETHER: Final = "together"
_Label = Annotated[str, matching(r"[a-zA-Z_][a-zA-Z0-9_]*", "a label's name")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Arms(_Part):
    """The label matchers of each version, which stand where a query has $arm."""

    baseline: Annotated[Mapping[_Label, LabelMatcher], Field(min_length=1)]
    canary: Annotated[Mapping[_Label, LabelMatcher], Field(min_length=1)]


class JudgeConfig(_Part):
    """The whole file; docs/prometheus.md has an example."""

    arms: Arms | None = None
    window: WindowConfig | None = None
    planned: Planned | None = None
    step: Step | None = None
    pairing: Literal["age", "time"] | None = None
    metrics: Annotated[tuple[MetricConfig, ...], Field(min_length=1, max_length=200)]
    together: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    policy: Policy = Policy()

    @field_validator("policy", mode="before")
    @classmethod
    def _of_series_alone(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and (wrong := [key for key in _FOR_REQUESTS if key in value]):
            raise ValueError(f"{wrong[0]} is for runs with a load of ours, not for series")
        return value

    @model_validator(mode="after")
    def _names_once(self) -> JudgeConfig:
        names = [metric.name for metric in self.metrics]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"metrics: {', '.join(twice)} is given twice")
        return self

    @model_validator(mode="after")
    def _together_of_some(self) -> JudgeConfig:
        if self.together is not None and len(self._costs()) < 2:
            raise ValueError("together: needs two levels whose increase is harm, with a margin in percent")
        if self.together is not None and _TOGETHER in {metric.name for metric in self.metrics}:
            raise ValueError(f"together: then no metric can be called {_TOGETHER}")
        return self

    def rules(self) -> tuple[MetricRule, ...]:
        """What the judge takes: a rule a metric, and one of the costs together where that is asked for."""
        rules = tuple(metric.rule() for metric in self.metrics)
        if self.together is None:
            return rules
        # It weighs as its heaviest part does, and beside that: one cause moves them.
        heaviest = max(self._costs(), key=lambda rule: rule.weight)
        metric = Metric(
            name=_TOGETHER,
            title="All together",
            unit="margins",
            group=heaviest.group,
            kind=Kind.JOINT,
            direction=Direction.INCREASE,
            threshold=repr(self.together),
            weight=heaviest.weight,
        )
        return (*rules, SeriesRule.of(metric))

    def _costs(self) -> list[MetricRule]:
        return [rule for rule in (metric.rule() for metric in self.metrics) if is_cost(rule)]


def read_released(path: Path, sets: Iterable[str] = ()) -> Document:
    """The file with a release's own values in it. Raises ConfigError and UsageError."""
    refuse_spinnakers(path)
    document = read_yaml(path)
    released(document, sets)
    return document


def load_config(path: Path, source: Source, sets: Iterable[str] = ()) -> JudgeConfig:
    """The configuration for series from `source`, with the release's own values (`released`).

    Raises ConfigError with every problem and its line.
    """
    models = (
        JudgeConfig,
        Arms,
        WindowConfig,
        SpanConfig,
        MetricConfig,
        PrometheusSource,
        CsvSource,
        PerArm,
        Policy,
    )
    known = {field.alias or name for model in models for name, field in model.model_fields.items()}
    document = read_released(path, sets)
    config = validate(document, JudgeConfig, known)
    if source == "prometheus":
        problems = list(_lacks_for_prometheus(config, document))
        if problems:
            raise ConfigError(document.name, problems)
    return config


def _lacks_for_prometheus(config: JudgeConfig, document: Document) -> Iterator[str]:
    for index, metric in enumerate(config.metrics):
        line = document.line(("metrics", index))
        if metric.prometheus is None:
            yield f"{document.name}:{line}: {metric.name} has no prometheus: with its queries"
            continue
        for key, query in metric.prometheus.queries():
            here = document.line(("metrics", index, "prometheus", key))
            uses = [promql.uses_arm(template) for template in templates(query)]
            if any(uses) and config.arms is None:
                yield f"{document.name}:{here}: $arm stands here, but there is no arms: with labels"
