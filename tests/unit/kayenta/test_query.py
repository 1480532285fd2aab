"""A metric's query as Kayenta's Prometheus module writes it; the first rows are those of its own test."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from pydantic import ValidationError

from pipeline.kayenta.query import PrometheusQuery, Scope, build_query

TEMPLATES: Final = {"someTemplate": "some-label=${scope}", "anotherTemplate": "my-server-group=${scope}"}
ZONE: Final = 'zone=~".+/zones/us-central1-.{1}"'
SIZE: Final = 'prometheus_http_response_size_bytes_bucket{instance="localhost:9090",handler='
FILTER: Final = "customFilter=something,andSomething=else"
GROUP: Final = "some-server-group"


def _query(**given: Any) -> PrometheusQuery:
    return PrometheusQuery.model_validate({"type": "prometheus", "metricName": "some-metric-name", **given})


@pytest.mark.parametrize(
    ("template", "inline", "kind", "scope", "params", "expected"),
    [
        (None, None, "gce_instance", GROUP, {}, f'{{a=b,instance=~"{GROUP}-.{{4}}",{ZONE}}}'),
        (None, "", "gce_instance", GROUP, {}, f'{{a=b,instance=~"{GROUP}-.{{4}}",{ZONE}}}'),
        (
            None,
            None,
            "aws_ec2_instance",
            GROUP,
            {},
            f'{{a=b,asg_groupName="{GROUP}",zone=~"us-central1.{{1}}"}}',
        ),
        (
            None,
            "",
            "aws_ec2_instance",
            GROUP,
            {},
            f'{{a=b,asg_groupName="{GROUP}",zone=~"us-central1.{{1}}"}}',
        ),
        ("someTemplate", None, "gce_instance", "some-app-canary", {}, "{some-label=some-app-canary,a=b}"),
        ("someTemplate", FILTER, "gce_instance", "", {}, f"{{{FILTER},a=b}}"),
        (None, FILTER, "gce_instance", "", {}, f"{{{FILTER},a=b}}"),
        (None, FILTER, "aws_ec2_instance", "", {}, f"{{{FILTER},a=b}}"),
        (None, FILTER, "anything_else", "", {}, f"{{{FILTER},a=b}}"),
        ("anotherTemplate", None, None, "some-baseline", {}, "{my-server-group=some-baseline,a=b}"),
        ("anotherTemplate", None, "", "some-canary", {}, "{my-server-group=some-canary,a=b}"),
    ],
)
def test_metric_and_labels_make_an_average(
    template: str | None,
    inline: str | None,
    kind: str | None,
    scope: str,
    params: dict[str, str],
    expected: str,
) -> None:
    query = _query(
        labelBindings=["a=b"],
        customFilterTemplate=template,
        customInlineTemplate=inline,
        resourceType=kind,
    )
    built = build_query(query, TEMPLATES, Scope(scope, "us-central1", params))
    assert built == f"avg(some-metric-name{expected})"


@pytest.mark.parametrize(
    ("inline", "scope", "params", "expected"),
    [
        (
            f'PromQL:histogram_quantile(0.5, {SIZE}"/graph"}})',
            "",
            {},
            f'histogram_quantile(0.5, {SIZE}"/graph"}})',
        ),
        (
            f'PromQL:histogram_quantile(0.5, {SIZE}"${{scope}}"}})',
            "/graph",
            {},
            f'histogram_quantile(0.5, {SIZE}"/graph"}})',
        ),
        (
            f'PromQL:histogram_quantile(${{quantile}}, {SIZE}"${{scope}}"}})',
            "/graph",
            {"quantile": "0.99"},
            f'histogram_quantile(0.99, {SIZE}"/graph"}})',
        ),
    ],
)
def test_a_whole_expression_is_left_as_it_is(
    inline: str, scope: str, params: dict[str, str], expected: str
) -> None:
    query = PrometheusQuery(type="prometheus", customInlineTemplate=inline)  # type: ignore[call-arg]
    assert build_query(query, {}, Scope(scope, "us-central1", params)) == expected


@pytest.mark.parametrize(
    ("given", "scope", "expected"),
    [
        ({"groupByFields": ["mode", "job"]}, Scope("s"), "avg(some-metric-name{l=s}) by (mode,job)"),
        ({"groupByFields": []}, Scope("s"), "avg(some-metric-name{l=s})"),
        # What an execution's own parameters say wins over the scope itself, and over the metric's resource type.
        ({}, Scope("s", params={"scope": "t"}), "avg(some-metric-name{l=t})"),
        (
            {"customInlineTemplate": "a=${project}"},
            Scope("s", params={"project": "p"}),
            "avg(some-metric-name{a=p})",
        ),
        (
            {"customInlineTemplate": "a=${resourceType}", "resourceType": "r"},
            Scope(),
            "avg(some-metric-name{a=r})",
        ),
        ({"customInlineTemplate": "a=${location}"}, Scope(location="l"), "avg(some-metric-name{a=l})"),
        ({"customInlineTemplate": "a=b,,"}, Scope(), "avg(some-metric-name{a=b})"),
        ({"customInlineTemplate": ","}, Scope(), "avg(some-metric-name)"),
    ],
)
def test_labels_parameters_and_groups(given: dict[str, Any], scope: Scope, expected: str) -> None:
    query = _query(**{"customFilterTemplate": "t", **given})
    assert build_query(query, {"t": "l=${scope}"}, scope) == expected


def test_a_project_is_a_part_of_a_zone_s_path() -> None:
    scope = Scope("", "us-central1", {"project": "p", "resourceType": "gce_instance"})
    assert build_query(_query(), {}, scope) == (
        'avg(some-metric-name{zone=~".+/projects/p/zones/us-central1-.{1}"})'
    )


@pytest.mark.parametrize(
    ("given", "scope", "words"),
    [
        (
            {"customFilterTemplate": "no"},
            Scope("s", "l"),
            "there is no template 'no': the configuration's are t",
        ),
        ({}, Scope("s", "l"), "has neither a template nor a resourceType"),
        ({"resourceType": "k8s"}, Scope("s", "l"), "resourceType 'k8s' is none of Kayenta's"),
        ({"resourceType": "gce_instance"}, Scope("s"), "needs a location: --scope location=REGION"),
        ({"customFilterTemplate": "t"}, Scope(), "the variable 'scope' stands for nothing"),
        ({"customFilterTemplate": "t", "metricName": ""}, Scope("s"), "has no metricName"),
    ],
)
def test_where_kayenta_gives_up_it_is_told_why(given: dict[str, Any], scope: Scope, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        build_query(_query(**given), {"t": "l=${scope}"}, scope)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "datadog"}, "'datadog' is not prometheus"),
        ({"customFilter": "a=b"}, "called customInlineTemplate now"),
    ],
)
def test_another_source_and_a_deprecated_key_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _query(**given)
    assert words in str(caught.value)
