"""What the queries of panels.yml say of figures that are known, by promtool with the monitor's own rules."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from dashboard.panels import load
from deploys.kit.places import DEPLOYS
from tests.support.real_prometheus import program

PANELS: Final = {panel.id: panel for panel in load().panels}
RULES: Final = DEPLOYS / "alerts" / "rules.yml"

APP: Final = 'host="web1",app="checkbox"'
# A scrape each 5 s for five minutes, and the probe, which asks at each of them.
PROBED: Final = {f"probe_success{{{APP}}}": "1x60"}


def says(directory: Path, query: str, series: dict[str, str], value: float, seconds: int = 300) -> None:
    """The query, filled for checkbox or web1, has this one value at the end of `series`."""
    filled = query.replace("$app", "checkbox").replace("$host", "web1").replace("$window", "60s")
    # Not even to promtool is one NaN the other.
    asked = (
        f"round(sum({filled}), 0.001)" if not math.isnan(value) else f"sum({filled}) != bool sum({filled})"
    )
    expected = {"labels": "{}", "value": 1 if math.isnan(value) else value}
    told = {"expr": asked, "eval_time": f"{seconds}s", "exp_samples": [expected]}
    test = {
        "interval": "5s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [told],
    }
    document = {"rule_files": [str(RULES)], "evaluation_interval": "5s", "tests": [test]}
    (directory / "queries.yml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [program("promtool"), "test", "rules", "queries.yml"],
        cwd=directory, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("idle", "user", "busy"), [("2.5", "0", 0.0), ("2", "0.5", 0.2), ("5", "5", 0.5)])
def test_a_host_is_as_busy_as_the_share_of_its_own_time_says(
    tmp_path: Path, idle: str, user: str, busy: float
) -> None:
    """Half a core that idles has half a second of idle time a second, and is not busy for the other half."""
    modes = {"idle": idle, "user": user, "iowait": "0"}
    series = {
        f'node_cpu_seconds_total{{host="web1",app="checkbox",cpu="0",mode="{mode}"}}': f"0+{step}x60"
        for mode, step in modes.items()
    }
    says(tmp_path, PANELS["cpu"].queries[0].query, series, busy)
    says(tmp_path, PANELS["cpu"].queries[1].query, series, 0.0)


@pytest.mark.parametrize("name", ["errors", "latency"])
def test_the_requests_of_the_probe_alone_are_no_share_of_errors_and_no_response_time(
    tmp_path: Path, name: str
) -> None:
    headline = PANELS[name].headline
    assert headline is not None
    series = PROBED | {
        f'http_requests_total{{{APP},status="502"}}': "0+1x60",
        f'http_request_seconds_bucket{{{APP},le="1"}}': "0x60",
        f'http_request_seconds_bucket{{{APP},le="2"}}': "0+1x60",
        f'http_request_seconds_bucket{{{APP},le="+Inf"}}': "0+1x60",
    }
    says(tmp_path, headline.query, series, float("nan"))


def test_the_requests_of_users_have_both(tmp_path: Path) -> None:
    series = PROBED | {
        f'http_requests_total{{{APP},status="200"}}': "0+15x60",
        f'http_requests_total{{{APP},status="500"}}': "0+5x60",
        f'http_request_seconds_bucket{{{APP},le="1"}}': "0x60",
        f'http_request_seconds_bucket{{{APP},le="2"}}': "0+20x60",
        f'http_request_seconds_bucket{{{APP},le="+Inf"}}': "0+20x60",
    }
    for name, value in (("errors", 0.25), ("latency", 1.95)):
        headline = PANELS[name].headline
        assert headline is not None
        says(tmp_path, headline.query, series, value)


@pytest.mark.parametrize(("values", "restarts"), [("1x20 _x4 3x96", 0), ("1x20 _x4 3x56 4x40", 1)])
def test_a_reboot_is_no_restart_and_what_ends_later_is_one(
    tmp_path: Path, values: str, restarts: int
) -> None:
    boot = f'node_systemd_unit_start_time_seconds{{{APP},name="init.scope"}}'
    counted = f'node_systemd_service_restart_total{{{APP},name="checkbox@3002.service"}}'
    headline = PANELS["restarts"].headline
    assert headline is not None
    says(tmp_path, headline.query, {boot: "-1000x20 _x4 120x96", counted: values}, restarts, 600)
