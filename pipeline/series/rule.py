"""A rule for a metric that is in no catalogue: the configuration says what it is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from pipeline.judge.catalogue import Metric
from pipeline.judge.rules import MetricRule

__all__ = ["SeriesRule", "rule_of"]


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


def rule_of(metric: Metric) -> SeriesRule:
    """The rule that holds what `metric` itself says. Raises ValueError when its threshold is none."""
    return SeriesRule(
        own=metric,
        name=metric.name,
        direction=metric.direction,
        weight=metric.weight,
        critical=metric.critical,
        threshold=metric.threshold,
        group=metric.group,
    )
