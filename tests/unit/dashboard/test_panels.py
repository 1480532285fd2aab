"""panels.yml, and what is made from it."""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise
from pathlib import Path

import promql_parser
import pytest

from dashboard.grafana import dashboard
from dashboard.panels import HERE, PanelsError, load

DESCRIBED = load()
QUERIES = [query.query for panel in DESCRIBED.panels for query in panel.queries]
QUERIES += [panel.headline.query for panel in DESCRIBED.panels if panel.headline]
GRAFANA = dashboard(DESCRIBED)
ALL = [one for panel in GRAFANA["panels"] for one in (panel, *panel.get("panels", ()))]


@pytest.mark.parametrize("query", [*QUERIES, *(mark.query for mark in DESCRIBED.marks)])
def test_every_query_is_promql(query: str) -> None:
    filled = query.replace("$app", "checkbox").replace("$host", "web1").replace("$window", "60s")
    assert promql_parser.parse(filled)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("warn: 0.01, bad: 0.05", "warn: 0.05, bad: 0.01", "bad must be further out than warn"),
        (
            'probe_success{app="$app"}[$window]',
            'probe_success{app="$app"}[$interval]',
            "with $window at most",
        ),
        ('min(probe_success{app="$app"})', "min(probe_success)", 'must ask for app="$app"'),
        ("id: requests", "id: errors", "twice: errors"),
        ("apps: [checkbox]", "apps: [checkbocks]", "no such application: checkbocks"),
        ("unit: share", "unit: furlongs", "unit"),
        ("    bad: Nothing at all", "    ugly: Nothing at all", "unknown key 'ugly'"),
    ],
)
def test_a_slip_in_panels_yml_is_told(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = (HERE / "panels.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "panels.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PanelsError) as told:
        load(path)
    number = text[: text.index(old)].count("\n") + 1
    assert any(
        re.match(rf"{re.escape(str(path))}:\d+: ", line) and problem in line for line in told.value.problems
    )
    # A list is wrong as a whole where its entries do not fit each other; anything else has a line of its own.
    near = [int(line.removeprefix(f"{path}:").partition(":")[0]) for line in told.value.problems]
    assert any(1 <= line <= number for line in near)


def test_grafana_shows_each_panel_of_each_application_once_and_those_of_hosts_for_each_host() -> None:
    rows: dict[str, list[str]] = {}
    for panel in GRAFANA["panels"]:
        if panel["type"] == "row":
            shown = rows.setdefault(panel["title"], [])
        elif panel["type"] == "timeseries":
            shown.append(panel["title"])
    for application in DESCRIBED.applications:
        wanted = [
            p.title for p in DESCRIBED.panels if p.of == "app" and (not p.apps or application.app in p.apps)
        ]
        assert rows[application.title] == wanted
    of_hosts = [panel for panel in DESCRIBED.panels if panel.of == "host"]
    assert rows["Host $host"] == [panel.title for panel in of_hosts if not panel.apps]
    for kind in ("host", "proxy"):
        (row,) = [panel for panel in GRAFANA["panels"] if panel["title"] == f"Host ${kind}"]
        assert row["repeat"] == kind
    assert [one["title"] for one in row["panels"]] == [one.title for one in of_hosts if one.apps == ["proxy"]]


def test_grafana_asks_the_prometheus_that_is_chosen_in_its_own_variables() -> None:
    variables = {one["name"] for one in GRAFANA["templating"]["list"]}
    assert variables == {"datasource", "host", "proxy"}
    for panel in ALL:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
            asked = target["expr"]
            assert set(re.findall(r"\$\{?(\w+)", asked)) <= {"host", "proxy", "__rate_interval"}, asked
            filled = re.sub(r"\$\{(host|proxy):raw\}", "web1", asked).replace("$__rate_interval", "60s")
            assert promql_parser.parse(filled)


def test_no_two_panels_of_grafana_overlap() -> None:
    def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
        across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
        return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]

    # A closed row's own count from where it stands; open, it moves what is below.
    groups = [GRAFANA["panels"], *(panel["panels"] for panel in GRAFANA["panels"] if panel.get("panels"))]
    for group in groups:
        places = [panel["gridPos"] for panel in group]
        assert not [pair for pair in combinations(places, 2) if overlap(*pair)]
        assert all(place["x"] + place["w"] <= 24 for place in places)


def test_grafanas_colors_rise_with_the_value() -> None:
    for panel in ALL:
        if "fieldConfig" in panel:
            steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
            assert steps[0] is None
            assert all(low < high for low, high in pairwise(steps[1:]))


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in one and one["integrity"].startswith("sha512-") for one in packages.values())
