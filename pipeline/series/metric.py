"""One metric of a configuration for series: where its samples are, what is harm, how much is too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipeline.base.yamlfile import matching
from pipeline.judge.catalogue import Direction, Kind, Metric
from pipeline.judge.rules import MetricRule, Threshold
from pipeline.series import counters, promql

__all__ = ["CsvSource", "MetricConfig", "PerArm", "PrometheusSource", "SeriesRule", "templates"]

_LINE: Final = r"[^\x00-\x1f\x7f]+"
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


class PerArm(_Part):
    """A query for each version, for fleets that no label tells apart."""

    baseline: _Query
    canary: _Query


def _of_each_version(value: Any) -> str:
    return "versions" if isinstance(value, Mapping | PerArm) else "both"


# By which of the two is meant only that one's problems are told.
_Queries = Annotated[
    Annotated[_Query, Tag("both")] | Annotated[PerArm, Tag("versions")], Discriminator(_of_each_version)
]


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

    @model_validator(mode="after")
    def _raw_counters(self) -> PrometheusSource:
        if self.counters:
            for key, query in self.queries():
                for text in templates(query):
                    if why := counters.why_not_raw(text):
                        raise ValueError(f"counters: true, but {key}: {why}")
        return self

    def queries(self) -> Iterator[tuple[str, str | PerArm]]:
        """The queries that are given, by key."""
        for key in ("query", "hits", "total"):
            value = getattr(self, key)
            if value is not None:
                yield key, value


def templates(query: str | PerArm) -> tuple[str, ...]:
    """The one template of both versions, or the baseline's and the canary's."""
    return (query,) if isinstance(query, str) else (query.baseline, query.canary)


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
            if self.kind in ("count", "proportion") and not self.prometheus.counters:
                _refuse_totals(self.prometheus)
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


def _refuse_totals(source: PrometheusSource) -> None:
    for key, query in source.queries():
        for text in templates(query):
            if counter := counters.since_the_beginning(text):
                raise ValueError(
                    f"prometheus: {key}: {counter} counts since it began, not by step: "
                    "select it alone and say counters: true"
                )


def _bare(name: str, kind: str, unit: str) -> Metric:
    """A metric that has its kind and unit, and nothing yet of what is harm."""
    unit = {"proportion": "fraction", "trend": f"{unit}/min"}.get(kind, unit)
    example = _EXAMPLES.get(unit, "10")
    # No metric's name has a slash, so no other metric's series is called so.
    series, total = (f"{name}/hits", f"{name}/total") if kind == "proportion" else (name, "")
    return Metric(
        name, name, unit, "service", Kind(kind), Direction.INCREASE, example, 1.0, series=series, total=total
    )
