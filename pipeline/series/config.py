"""The configuration of `pipeline judge --config FILE.yml`: which series, what is harm, how much is too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import Document, matching, read_yaml, validate
from pipeline.judge.catalogue import Direction, Kind, Metric
from pipeline.judge.metrics.joint import is_cost
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, Threshold
from pipeline.series import promql
from pipeline.series.window import SpanConfig, Step, WindowConfig

__all__ = [
    "Arms",
    "CsvSource",
    "JudgeConfig",
    "MetricConfig",
    "PerArm",
    "PrometheusSource",
    "SeriesRule",
    "Source",
    "load_config",
]

Source = Literal["prometheus", "csv"]

_LINE: Final = r"[^\x00-\x1f\x7f]+"
# Of the policy: what only requests of our own can be held to.
_FOR_REQUESTS: Final = ("expected_status", "max_baseline_error_rate", "min_good_share")
_TOGETHER: Final = "together"
# The queries that each kind of metric takes.
_QUERIES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "level": ("query",),
    "trend": ("query",),
    "count": ("query",),
    "proportion": ("hits", "total"),
}
# A margin as it may be written, by unit: for messages.
_EXAMPLES: Final[Mapping[str, str]] = {
    "fraction": "0.5pp",
    "s": "20ms",
    "B": "8MB",
    "1/s": "5/s",
    "cores": "0.1cores",
    "B/min": "8MB/min",
}
_Label = Annotated[str, matching(r"[a-zA-Z_][a-zA-Z0-9_]*", "a label's name")]
_Query = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(promql.check)]
_Column = Annotated[str, matching(_LINE, "a column's name"), Field(max_length=200)]


class SeriesRule(MetricRule):
    """One metric that says itself what it is: `own` stands where the catalogue's entry would."""

    own: Annotated[Metric, Field(exclude=True)]

    @model_validator(mode="before")
    @classmethod
    def _fill_from_catalogue(cls, data: Any) -> Any:
        return data  # everything is given; there is no catalogue to fill from

    @property
    def metric(self) -> Metric:
        """What the configuration says of the metric."""
        return self.own

    @classmethod
    def of(cls, metric: Metric) -> SeriesRule:
        """The rule that holds what `metric` itself says. Raises ValueError when its threshold is none."""
        return cls(
            own=metric,
            name=metric.name,
            direction=metric.direction,
            weight=metric.weight,
            critical=metric.critical,
            threshold=metric.threshold,
            group=metric.group,
        )


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Arms(_Part):
    """The label matchers of each version, which stand where a query has $arm."""

    baseline: Annotated[Mapping[_Label, str], Field(min_length=1)]
    canary: Annotated[Mapping[_Label, str], Field(min_length=1)]


class PerArm(_Part):
    """A query for each version, for fleets that no label tells apart."""

    baseline: _Query
    canary: _Query


_Queries = _Query | PerArm


class PrometheusSource(_Part):
    """Where a metric's samples are in a Prometheus.

    `query` for a level, trend or count, `hits` and `total` for a proportion. `counters`: they select raw counters,
    whose rises are added up; else each value is the number within one step. `absent: zero`: where a count, or the
    hits beside a total, have no series at all, there were none.
    """

    query: _Queries | None = None
    hits: _Queries | None = None
    total: _Queries | None = None
    counters: Annotated[bool, Field(strict=True)] = False
    absent: Literal["missing", "zero"] = "missing"

    def queries(self) -> Iterator[tuple[str, str | PerArm]]:
        """The queries that are given, by key."""
        for key in ("query", "hits", "total"):
            value = getattr(self, key)
            if value is not None:
                yield key, value


class CsvSource(_Part):
    """The columns of a metric; without this: NAME, and NAME_hits and NAME_total for a proportion."""

    column: _Column | None = None
    hits: _Column | None = None
    total: _Column | None = None
    counters: Annotated[bool, Field(strict=True)] = False


class MetricConfig(_Part):
    """One metric. `unit` is s, B, fraction, 1/s, cores or any short word; a trend's is that a minute."""

    name: Annotated[str, matching(r"[A-Za-z_][A-Za-z0-9_.:-]{0,59}", "a name: letters, digits and _ . : -")]
    title: Annotated[str, matching(_LINE, "one line of text"), Field(max_length=60)] | None = None
    kind: Literal["level", "trend", "count", "proportion"]
    unit: Annotated[str, matching(r"[^\s\x00-\x1f\x7f%]{1,12}", "a unit: one short word")] = "count"
    direction: Direction = Direction.INCREASE
    margin: str
    floor: str | None = None
    weight: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = 10.0
    critical: Annotated[bool, Field(strict=True)] = False
    group: Annotated[str, matching(_LINE, "one line of text"), Field(max_length=40)] = "service"
    prometheus: PrometheusSource | None = None
    csv: CsvSource | None = None

    @field_validator("margin", "floor", mode="before")
    @classmethod
    def _number_is_text(cls, value: Any) -> Any:
        return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("margin", "floor")
    @classmethod
    def _amount(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is None or not {"name", "kind", "unit"} <= info.data.keys():
            return text  # one of these is wrong, and that is told
        kind = info.data["kind"]
        limit = Threshold.parse(text, _bare(info.data["name"], kind, info.data["unit"]))
        if info.field_name == "floor" and (limit.relative or kind != "level"):
            raise ValueError("a floor is an amount in the metric's unit, and of a level")
        return text

    @model_validator(mode="after")
    def _fits_its_kind(self) -> MetricConfig:
        if self.kind in ("count", "trend") and self.direction is not Direction.INCREASE:
            raise ValueError(f"direction: of a {self.kind} only an increase is harmful")
        if self.prometheus is not None:
            given, needed = {key for key, _ in self.prometheus.queries()}, set(_QUERIES_OF[self.kind])
            if given != needed:
                wanted = " and ".join(_QUERIES_OF[self.kind])
                raise ValueError(f"prometheus: a {self.kind} needs {wanted}, and no other query")
            if self.prometheus.counters and self.kind not in ("count", "proportion"):
                raise ValueError(f"prometheus: counters is for counts and proportions, not a {self.kind}")
            if self.prometheus.absent == "zero" and self.kind not in ("count", "proportion"):
                raise ValueError(f"prometheus: absent is for counts and proportions, not a {self.kind}")
        if self.csv is not None:
            wrong = ("column",) if self.kind == "proportion" else ("hits", "total")
            if any(getattr(self.csv, key) is not None for key in wrong):
                raise ValueError(f"csv: a {self.kind} has no {' and no '.join(wrong)}")
            if self.csv.counters and self.kind not in ("count", "proportion"):
                raise ValueError(f"csv: counters is for counts and proportions, not a {self.kind}")
        return self

    def rule(self) -> MetricRule:
        """What the judge takes."""
        bare = _bare(self.name, self.kind, self.unit)
        return SeriesRule.of(
            replace(
                bare,
                title=self.title or self.name,
                group=self.group,
                direction=self.direction,
                threshold=self.margin,
                weight=self.weight,
                critical=self.critical,
                floor=Threshold.parse(self.floor, bare).value if self.floor is not None else 0.0,
            )
        )

    def columns(self) -> tuple[str, ...]:
        """The CSV columns: one, or those of the hits and the total."""
        csv = self.csv or CsvSource()
        if self.kind == "proportion":
            return csv.hits or f"{self.name}_hits", csv.total or f"{self.name}_total"
        return (csv.column or self.name,)


def _bare(name: str, kind: str, unit: str) -> Metric:
    """A metric that has its kind and unit, and nothing yet of what is harm."""
    unit = {"proportion": "fraction", "trend": f"{unit}/min"}.get(kind, unit)
    example = _EXAMPLES.get(unit, "10")
    # No metric's name has a slash, so no other metric's series is called so.
    series, total = (f"{name}/hits", f"{name}/total") if kind == "proportion" else (name, "")
    return Metric(
        name, name, unit, "service", Kind(kind), Direction.INCREASE, example, 1.0, series=series, total=total
    )


class JudgeConfig(_Part):
    """The whole file; docs/prometheus.md has an example."""

    arms: Arms | None = None
    window: WindowConfig | None = None
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


def load_config(path: Path, source: Source) -> JudgeConfig:
    """The configuration for series from `source`. Raises ConfigError with every problem and its line."""
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
    document = read_yaml(path)
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
            templates = (query,) if isinstance(query, str) else (query.baseline, query.canary)
            uses = [promql.uses_arm(template) for template in templates]
            if any(uses) and config.arms is None:
                yield f"{document.name}:{here}: $arm stands here, but there is no arms: with labels"
