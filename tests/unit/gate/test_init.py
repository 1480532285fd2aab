"""`gate --init` on the metrics of real exporters and client libraries: what it writes judges without an edit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from pipeline.series.config import load_config
from tests.support.exporter_past import write_exporters
from tests.support.real_prometheus import serving

HOURS = 3
AFTER = 1500  # seconds of the future, in which the tests run

# Of each job the option that says more, where more must be said, and the metrics that are judged.
JUDGED = {
    "client_golang": ("", ["errors", "latency_p50", "latency_p99", "cpu", "memory_growth"]),
    "otel_go": ("", ["errors", "latency_p50", "latency_p99", "cpu", "memory_growth"]),
    "otel_python": ("", ["errors", "latency_p50", "latency_p99", "cpu", "memory_growth"]),
    "spring_boot": ("", ["errors", "latency_mean", "cpu_share", "memory_growth", "gc"]),
    "prom_client": ("", ["errors", "latency_p50", "latency_p99", "cpu", "memory_growth"]),
    "flask": ("", ["errors", "latency_p50", "latency_p99", "cpu", "memory_growth"]),
    "fastapi": ("", ["errors", "latency_p50", "latency_p99", "cpu", "memory_growth"]),
    "caddy": ("", ["errors", "latency_p50", "latency_p99", "cpu", "memory_growth"]),
    "nginx_exporter": ("", ["dropped", "busy"]),
    "node_exporter": ("", ["cpu", "memory_growth", "load"]),
    "process_exporter": ("", ["cpu", "memory_growth"]),
    "haproxy": ("server", ["errors", "latency_mean", "queue"]),
    "traefik": ("service", ["errors", "latency_p50", "latency_p99"]),
    "envoy": ("envoy_cluster_name", ["errors", "latency_p50", "latency_p99"]),
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with the last hours of two versions of a service for each exporter."""
    directory = tmp_path_factory.mktemp("exporters")
    now = int(time.time()) // 15 * 15
    write_exporters(directory, now - HOURS * 3600, now, now + AFTER)
    with serving(directory) as address:
        yield address


@pytest.mark.parametrize("job", JUDGED)
def test_what_it_writes_of_a_real_exporter_judges_without_an_edit(
    url: str, job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label, metrics = JUDGED[job]
    file = tmp_path / "canary.yml"
    arguments = ["gate", "--init", "--config", str(file), "--prometheus", url, "--service", f"job={job}"]
    assert run([*arguments, "--json"]) == Exit.OK, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["metrics"]] == metrics
    assert label in ("", told["label"])
    config = load_config(file, "prometheus")
    assert [one.name for one in config.metrics] == metrics
    assert told["questions"] < 30
    print(file.read_text())

    code = run(["judge", "--config", str(file), "--prometheus", url, "--from", "-31m", "--to", "-1m", "--planned", "30m", "--json"])
    verdict = json.loads(capsys.readouterr().out)
    by_name = {one["name"]: one for one in verdict["metrics"]}
    assert {name: by_name[name]["decision"] for name in metrics} == dict.fromkeys(metrics, "pass")
    assert code == Exit.OK
