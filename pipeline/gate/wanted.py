"""What of a service can be judged: the roles of its metric families, each once, with the queries that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.gate.draft import Drafted, is_raw
from pipeline.gate.families import Carrier, Families, Family, placed
from pipeline.gate.noise import Margin
from pipeline.gate.survey import Service, Survey
from pipeline.series import promql
from pipeline.series.matchers import Matcher
from pipeline.series.metric import MetricConfig

__all__ = ["config_of", "matchers_text", "wanted", "without_status"]


def wanted(table: Families, found: Survey) -> Iterator[Drafted]:
    """What can be judged, each role once."""
    service, label = found.service, found.label
    taken = set[str]()
    of_requests = any(family.requests for family in service.families)
    only_exporters = not of_requests and any(family.exporter for family in service.families)
    for family in service.families:
        if only_exporters and not family.exporter:
            continue  # the exporter's own process
        matchers = matchers_text(service.of(family))
        yield from _of(table, family, service.there, found, matchers, label.carrier, taken)
    # Of other jobs only what has the labels that were typed: a version's name alone may be another service's, too.
    for family in table.families:
        if family.exporter and family not in service.families and label.carrier is None:
            yield from _of(table, family, service.beside, found, matchers_text(service.given), None, taken)


def _of(
    table: Families,
    family: Family,
    there: frozenset[str],
    found: Survey,
    matchers: str,
    carrier: Carrier | None,
    taken: set[str],
) -> Iterator[Drafted]:
    for name, query in family.queries(there, found.status.get(family.name)):
        role = table.roles[name]
        key = role.same_as or name
        if key in taken:
            continue
        taken.add(key)
        whole = (
            placed(query, matchers, carrier)
            if isinstance(query, str)
            else {part: placed(text, matchers, carrier) for part, text in query.items()}
        )
        yield Drafted(name, role, family.name, whole, Margin(role.margin, None))


def matchers_text(matchers: Mapping[str, str]) -> str:
    """As a selector has them: job="shop"."""
    return promql.fill("$arm", {name: Matcher("=", value) for name, value in matchers.items()}, 1)


def config_of(one: Drafted, *, floor: bool) -> MetricConfig:
    """As a configuration has it, with its floor or without."""
    role = one.role
    source: dict[str, Any] = {"query": one.query} if isinstance(one.query, str) else dict(one.query)
    if is_raw(one.query):
        source |= {"counters": True, "absent": "zero"}
    return MetricConfig.model_validate(
        {
            "name": one.name,
            "title": role.title,
            "kind": role.kind,
            "unit": role.unit,
            "margin": one.margin.text,
            "floor": role.floor if floor else None,
            "weight": role.weight,
            "critical": role.critical,
            "group": role.group,
            "prometheus": source,
        }
    )


def without_status(service: Service, found: Survey, judged: set[str]) -> Iterator[str]:
    """Why there are no errors among what is judged; nothing where there are."""
    for family in service.families:
        if family.requests and family.name not in found.status and "errors" not in judged:
            yield f"errors: {family.requests} has no label with a status ({', '.join(family.status)})"
    if "errors" not in judged and not any(family.requests for family in service.families):
        yield (
            "errors: no known metric counts requests by status; without one nothing says how many requests there were"
        )
