"""`--config` of two load tests: which metrics of the catalogue are compared, with which margins, and the policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.base.yamlfile import read_yaml, validate
from pipeline.judge.catalogue import CATALOGUE
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule

__all__ = ["LoadTestConfig", "load_config"]

_OF_REQUESTS: Final = tuple(name for name, metric in CATALOGUE.items() if metric.requests)


class LoadTestConfig(BaseModel):
    """The whole file. `metrics` None: all that can be told of requests, with the catalogue's margins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: Annotated[tuple[MetricRule, ...], Field(min_length=1)] | None = None
    policy: Policy = Policy()

    @field_validator("metrics")
    @classmethod
    def _of_requests_once(cls, rules: tuple[MetricRule, ...] | None) -> tuple[MetricRule, ...] | None:
        names = [rule.name for rule in rules or ()]
        if wrong := [name for name in names if name not in _OF_REQUESTS]:
            raise ValueError(f"{wrong[0]} is not told by a load test; these are: {', '.join(_OF_REQUESTS)}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]} is given twice")
        return rules

    def rules(self) -> tuple[MetricRule, ...]:
        """What is to be compared, whether the files tell it or not."""
        if self.metrics is not None:
            return self.metrics
        return tuple(MetricRule.model_validate({"name": name}) for name in _OF_REQUESTS)


def load_config(path: Path | None) -> LoadTestConfig:
    """The configuration in `path`; None: the defaults. Raises ConfigError with every problem and its line."""
    if path is None:
        return LoadTestConfig()
    known = {name for model in (LoadTestConfig, MetricRule, Policy) for name in model.model_fields}
    return validate(read_yaml(path), LoadTestConfig, known)
