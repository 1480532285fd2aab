"""Grafana's dashboard against Grafana's own types, which Grafana publishes for programs that make dashboards.

They know each key of a dashboard, its panels' options and its queries to Prometheus; what they do not know they drop.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboard.grafana import dashboard
from dashboard.panels import load

GRAFANA = dashboard(load())
# Of Prometheus's annotations, whose keys belong to that plugin and not to the dashboard.
PLUGIN = {
    ".annotations.list[].useValueForTime",
    ".annotations.list[].titleFormat",
    ".annotations.list[].textFormat",
}


@pytest.fixture(scope="module", autouse=True)
def _plugins() -> None:
    """The types of the panels' own options and of Prometheus's queries."""
    register_default_plugins()


def lost(given: Any, kept: Any, where: str = "") -> Iterator[str]:
    """Where `kept` lacks or changes what `given` has."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key in kept:
                yield from lost(value, kept[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}"
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for one, other in zip(given, kept, strict=True):
            yield from lost(one, other, f"{where}[]")
    elif given != kept:
        yield where


def unknown_to_grafana(given: dict[str, Any]) -> set[str]:
    kept = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(copy.deepcopy(given))))
    return set(lost(given, kept))


def test_grafana_knows_every_key_of_the_dashboard() -> None:
    assert unknown_to_grafana(GRAFANA) == PLUGIN


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('"schemaVersion"', '"schemaVersions"', ".schemaVersions"),
        ('"repeat"', '"repeated"', ".panels[].repeated"),
        ('"legendFormat"', '"legend_format"', ".panels[].targets[].legend_format"),
        ('"fillOpacity"', '"opacity"', ".panels[].fieldConfig.defaults.custom.opacity"),
        ('"reduceOptions"', '"reduce"', ".panels[].options.reduce"),
    ],
)
def test_a_key_that_grafana_does_not_know_is_found(old: str, new: str, where: str) -> None:
    text = json.dumps(GRAFANA)
    assert old in text
    assert where in unknown_to_grafana(json.loads(text.replace(old, new)))
