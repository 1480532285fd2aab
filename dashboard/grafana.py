"""The panels as a dashboard for Grafana, which asks at the import for the Prometheus to read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from dashboard.panels import Dashboard, Mark, Panel, Thresholds

__all__ = ["dashboard"]

_Json = dict[str, Any]

# The version that Grafana 10 writes; it migrates what is older than itself.
_SCHEMA: Final = 39
_COLUMNS: Final = 24
_SOURCE: Final[_Json] = {"type": "prometheus", "uid": "${datasource}"}
_UNITS: Final = {
    "share": "percentunit",
    "answers": "bool_yes_no",
    "per_second": "cps",
    "seconds": "s",
    "count": "none",
    "bytes": "bytes",
    "bytes_per_second": "binBps",
    "cores": "none",
}


def dashboard(described: Dashboard) -> _Json:
    """Grafana's JSON: a row for each application (its headlines, then its charts), a row repeated for each host.

    What only some hosts have is in a row of its own, closed until somebody wants it: Grafana cannot leave it out.
    """
    panels: list[_Json] = []
    top = 0
    for application in described.applications:
        name = application.app
        mine = [p for p in described.panels if p.of == "app" and (p.apps is None or name in p.apps)]
        panels.append(_row(application.title, top))
        heads = [panel for panel in mine if panel.headline]
        # Grafana's grid has 24 columns: as many headlines on one line as there are, then three charts a line.
        panels += _placed([_stat(panel, name) for panel in heads], top + 1, 4, _COLUMNS // max(len(heads), 1))
        panels += _placed([_chart(panel, name) for panel in mine], top + 5, 8, 8)
        top = _bottom(panels)
    panels.append(_row("Host $host", top) | {"repeat": "host"})
    of_hosts = [panel for panel in described.panels if panel.of == "host"]
    panels += _placed([_chart(panel, "") for panel in of_hosts if not panel.apps], top + 1, 7, 6)
    top = _bottom(panels)
    kinds = list(dict.fromkeys(app for panel in of_hosts for app in panel.apps or ()))
    for line, kind in enumerate(kinds):
        only = [_chart(panel, "", kind) for panel in of_hosts if kind in (panel.apps or ())]
        row = _row(f"Host ${kind}", top + line) | {"repeat": kind, "collapsed": True}
        panels.append(row | {"panels": _placed(only, top + line + 1, 7, 8)})
    for number, panel in enumerate(_all(panels), 1):
        panel["id"] = number
    return {
        "uid": "pipeline-production",
        "title": "Production",
        "tags": ["pipeline"],
        "schemaVersion": _SCHEMA,
        "editable": True,
        "graphTooltip": 1,  # one crosshair for all
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_annotation(mark) for mark in described.marks]},
        "templating": {"list": _variables(kinds)},
        "panels": panels,
    }


def _all(panels: Sequence[_Json]) -> list[_Json]:
    """The panels with those in closed rows, in order."""
    return [one for panel in panels for one in (panel, *panel.get("panels", ()))]


def _variables(kinds: Sequence[str]) -> list[_Json]:
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        _hosts("host", "Host", 'up{job="node"}'),
        *(_hosts(kind, kind.title(), f'up{{job="node",app="{kind}"}}') for kind in kinds),
    ]


def _hosts(name: str, label: str, selected: str) -> _Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": f"label_values({selected}, host)", "refId": name, "qryType": 1},
        "refresh": 2,  # when the time range changes: hosts come and go
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _annotation(mark: Mark) -> _Json:
    # Grafana makes a mark of each point, and the series go on after the moment: so only its first points are asked for.
    query = f"{mark.query} * 1000 and time() - {mark.query} < 2 * $__interval_ms / 1000"
    return {
        "name": mark.title,
        "datasource": _SOURCE,
        "enable": True,
        "expr": query,
        "useValueForTime": True,
        "titleFormat": mark.title,
        "textFormat": mark.text,
        "iconColor": {"deploy": "blue", "rollback": "orange"}.get(mark.id, "purple"),
    }


def _row(title: str, top: int) -> _Json:
    grid = {"h": 1, "w": _COLUMNS, "x": 0, "y": top}
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": grid}


def _placed(panels: list[_Json], top: int, height: int, width: int) -> list[_Json]:
    beside = _COLUMNS // width
    for index, panel in enumerate(panels):
        line, column = divmod(index, beside)
        panel["gridPos"] = {"h": height, "w": width, "x": column * width, "y": top + line * height}
    return panels


def _bottom(panels: list[_Json]) -> int:
    bottom: int = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    return bottom


def _chart(panel: Panel, app: str, host: str = "host") -> _Json:
    """`app`: whose it is, for an application's; `host`: the variable that names the hosts, for a host's."""
    defaults: _Json = {
        "unit": _UNITS[panel.unit],
        "min": 0,
        "custom": {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never"},
        "thresholds": _steps(panel.thresholds),
    }
    if panel.thresholds:
        defaults["custom"]["thresholdsStyle"] = {"mode": "dashed"}
    if panel.max is not None:
        defaults["max"] = panel.max
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.bad,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "legend": {
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
                "calcs": ["lastNotNull"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            _target(chr(ord("A") + index), query.query, app, host)
            | {"range": True, "legendFormat": query.legend}
            for index, query in enumerate(panel.queries)
        ],
    }


def _stat(panel: Panel, app: str) -> _Json:
    headline = panel.headline
    if headline is None:
        raise ValueError(f"{panel.id} has no headline")
    defaults: _Json = {
        "unit": _UNITS[headline.unit or panel.unit],
        "thresholds": _steps(headline.thresholds or panel.thresholds),
    }
    return {
        "type": "stat",
        "title": headline.title,
        "description": panel.bad,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}},
        "targets": [_target("A", headline.query, app) | {"instant": True, "range": False}],
    }


def _target(letter: str, query: str, app: str, host: str = "host") -> _Json:
    # raw: Grafana would escape a dot in a name for a regular expression, which these are not.
    asked = (
        query.replace("$app", app).replace("$host", f"${{{host}:raw}}").replace("$window", "$__rate_interval")
    )
    return {"refId": letter, "datasource": _SOURCE, "expr": asked}


def _steps(thresholds: Thresholds | None) -> _Json:
    if thresholds is None:
        return {"mode": "absolute", "steps": [{"color": "green", "value": None}]}
    warn, bad = thresholds.warn, thresholds.bad
    if thresholds.when == "above":
        steps = [("green", None), ("orange", warn), ("red", bad)]
    else:
        steps = [("red", None), ("orange", bad), ("green", warn)]
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in steps]}
