"""A canary configuration whose metrics are asked of a Prometheus: for each metric both versions' queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr

from pipeline.base.errors import ConfigError
from pipeline.base.text import did_you_mean
from pipeline.base.yamlfile import Document, validate
from pipeline.kayenta.config import CanaryConfig, MetricConfig, distinct, or_empty, read_config
from pipeline.kayenta.query import PrometheusQuery, build_query
from pipeline.kayenta.scopes import ARMS, ScopePair, ScopesRequest, Typed
from pipeline.kayenta.templates import TemplateError

__all__ = ["Asked", "AskedConfig", "AskedMetric", "Question", "load_asked"]

_QUERY_KEYS: Final = (
    *(field.alias or name for name, field in PrometheusQuery.model_fields.items()),
    "serviceType",
)


class AskedMetric(MetricConfig):
    """A metric with its query."""

    query: PrometheusQuery
    scope_name: StrictStr | None = None


class AskedConfig(CanaryConfig):
    """A canary configuration with the queries of its metrics."""

    metrics: Annotated[tuple[AskedMetric, ...], AfterValidator(distinct)]
    templates: Annotated[Mapping[str, StrictStr], BeforeValidator(or_empty)] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for one metric: by version its query, and the scopes these were filled from."""

    metric: AskedMetric
    queries: Mapping[str, str]
    scopes: ScopePair


@dataclass(frozen=True, slots=True)
class Asked:
    """The configuration and what is asked for each of its metrics, in their order."""

    config: AskedConfig
    questions: tuple[Question, ...]

    def name(self, arm: str) -> str:
        """What a version is called: its scope; `baseline` or `canary` where it has none."""
        return next((one.scopes.arms[arm].scope for one in self.questions if one.scopes.arms[arm].scope), arm)


def load_asked(path: Path, typed: Typed) -> Asked:
    """The configuration in a JSON file, and its queries for the scopes of its request and those that were typed.

    Raises ConfigError with every problem and its line.
    """
    config, found = read_config(path, AskedConfig, ("thresholds", "scopes"))
    request = ScopesRequest()
    if found.request is not None:
        known = ("scopes", "controlScope", "experimentScope", "scope", "location", "extendedScopeParams")
        request = validate(found.request, ScopesRequest, known)
    named = request.pairs()
    document, problems, hints = found.config, list[str](), list[str]()
    questions = list[Question]()
    for index, metric in enumerate(config.metrics):
        where = f"{document.name}:{document.line(('metrics', index, 'query'))}: {metric.name}"
        try:
            scopes = _scopes(metric, named, typed)
            queries = {arm: build_query(metric.query, config.templates, scopes.arms[arm]) for arm in ARMS}
        except TemplateError as error:
            problems.append(f"{where}: its template: {error}")
            if error.variable:
                hints.append(_to_type(error.variable))
        except ValueError as error:
            problems.append(f"{where}: {error}")
        else:
            questions.append(Question(metric, queries, scopes))
    if problems:
        raise ConfigError(document.name, problems, hint=" ".join(dict.fromkeys(hints)) or None)
    notes = (*config.notes, *_unread(document))
    return Asked(config.model_copy(update={"notes": notes}), tuple(questions))


def _scopes(metric: AskedMetric, named: Mapping[str, ScopePair], typed: Typed) -> ScopePair:
    name = metric.scope_name
    if name is None:
        raise ValueError('has no scopeName, without which Kayenta asks nothing: "scopeName": "default"')
    if name not in named and named and not typed.given:
        raise ValueError(f"its scope {name[:60]!r} is none of the request's: {', '.join(named)[:200]}")
    return typed.over(named.get(name, ScopePair()))


def _to_type(variable: str) -> str:
    if variable == "scope":
        return "--scope baseline=NAME --scope canary=NAME"
    return f"--scope {variable}=VALUE"


def _unread(document: Document) -> Iterator[str]:
    for index, metric in enumerate(document.data["metrics"]):
        for key in metric["query"]:
            if key not in _QUERY_KEYS:
                line = document.line(("metrics", index, "query", key))
                yield f"{document.name}:{line}: '{key}' is not read{did_you_mean(key, _QUERY_KEYS)}"
