"""One metric's PromQL for one version, as Kayenta's Prometheus module writes it (PrometheusMetricsService)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import StrictStr, field_validator

from pipeline.kayenta.config import Part
from pipeline.kayenta.templates import expand

__all__ = ["PrometheusQuery", "Scope", "build_query"]

_SCOPE_LABEL: Final = "instance"  # what Kayenta's own setting `scopeLabel` is unless it is set
_PROMQL: Final = "PromQL:"


@dataclass(frozen=True, slots=True)
class Scope:
    """What tells one version's series: its name, its location, and other parameters (`extendedScopeParams`)."""

    scope: str = ""
    location: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


class PrometheusQuery(Part):
    """A metric's `query`. The deprecated `customFilter` is refused, as Kayenta does."""

    type: StrictStr
    resource_type: StrictStr | None = None
    metric_name: StrictStr | None = None
    label_bindings: tuple[StrictStr, ...] | None = None
    group_by_fields: tuple[StrictStr, ...] | None = None
    custom_filter: StrictStr | None = None
    custom_inline_template: StrictStr | None = None
    custom_filter_template: StrictStr | None = None

    @field_validator("type")
    @classmethod
    def _is_prometheus(cls, value: str) -> str:
        if value != "prometheus":
            raise ValueError(
                f"{value[:40]!r} is not prometheus, the only source that is asked here: export its series as CSV "
                "and give --baseline and --canary"
            )
        return value

    @field_validator("custom_filter")
    @classmethod
    def _is_not_used(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("is refused by Kayenta: it is called customInlineTemplate now")
        return value


def build_query(query: PrometheusQuery, templates: Mapping[str, str], scope: Scope) -> str:
    """The query of one version. Raises ValueError where Kayenta gives up, TemplateError where a variable is missing."""
    filters = _custom(query, templates, scope)
    if filters.startswith(_PROMQL):
        return filters.removeprefix(_PROMQL)
    if not query.metric_name:
        raise ValueError("has no metricName, which all but a template that begins with PromQL: must have")
    matchers = ",".join(_matchers(query, scope, filters))
    found = f"avg({query.metric_name}{{{matchers}}})" if matchers else f"avg({query.metric_name})"
    return f"{found} by ({','.join(query.group_by_fields)})" if query.group_by_fields else found


def _custom(query: PrometheusQuery, templates: Mapping[str, str], scope: Scope) -> str:
    """The template that the metric names, filled; empty without one."""
    template = query.custom_inline_template
    if not template:
        name = query.custom_filter_template
        if not name:
            return ""
        if name not in templates:
            known = ", ".join(templates) or "none"
            raise ValueError(f"there is no template {name[:60]!r}: the configuration's are {known[:200]}")
        template = templates[name]
    values = {
        "project": scope.params.get("project", ""),
        "resourceType": query.resource_type or scope.params.get("resourceType", ""),
        "scope": scope.scope,
        "location": scope.location,
    }
    return expand(template, {name: value for name, value in values.items() if value} | dict(scope.params))


def _matchers(query: PrometheusQuery, scope: Scope, filters: str) -> list[str]:
    own = list(query.label_bindings or ())
    if filters:
        return [*_split(filters), *own]
    kind = query.resource_type if (query.resource_type or "").strip() else scope.params.get("resourceType")
    if not kind:
        raise ValueError("has neither a template nor a resourceType, so nothing tells the versions apart")
    if kind not in ("gce_instance", "aws_ec2_instance"):
        raise ValueError(
            f"resourceType {kind[:60]!r} is none of Kayenta's (gce_instance, aws_ec2_instance): use a template"
        )
    if not scope.location:
        raise ValueError(f"resourceType {kind} needs a location: --scope location=REGION")
    if kind == "gce_instance":
        named = f'{_SCOPE_LABEL}=~"{scope.scope}-.{{4}}"'
        project = scope.params.get("project")
        projects = f"projects/{project}/" if project else ""
        zone = f'zone=~".+/{projects}zones/{scope.location}-.{{1}}"'
    else:
        named = f'asg_groupName="{scope.scope}"'
        zone = f'zone=~"{scope.location}.{{1}}"'
    return [*own, *([named] if scope.scope else []), zone]


def _split(filters: str) -> list[str]:
    """At commas, as Java does: without the empty ones at the end."""
    parts = filters.split(",")
    while parts and not parts[-1]:
        parts.pop()
    return parts
