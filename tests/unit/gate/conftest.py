"""A real Prometheus with the past of a fleet, which a gate watches as if it came about just now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.gate.settings import Settings
from tests.support.real_prometheus import serving, write_fleet

FLEET = """\
arms:
  baseline: {version: old}
  canary: {version: CANARY}
planned: 10m
step: 20s
metrics:
  - name: errors
    title: Errors
    kind: proportion
    margin: 0.5pp
    weight: 30
    critical: true
    prometheus:
      counters: true
      hits: http_requests_total{$arm,status="500"}
      total: http_requests_total{$arm}
      absent: zero
  - name: latency
    title: Latency, p50
    kind: level
    unit: s
    margin: 10%
    weight: 30
    prometheus:
      query: histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{$arm}[$step])))
  - name: memory
    title: Memory
    kind: level
    unit: B
    margin: 20%
    weight: 30
    prometheus: {query: "avg(process_resident_memory_bytes{$arm})"}
"""


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a Prometheus with the fleet's data."""
    directory = tmp_path_factory.mktemp("fleet")
    write_fleet(directory)
    return directory


@pytest.fixture(scope="session")
def server(fleet: Path) -> Iterator[str]:
    """The address of a Prometheus with the fleet's data."""
    with serving(fleet) as url:
        yield url


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Settings]:
    """The settings of a gate for one of the fleet's versions, with a configuration of its own."""

    def make(url: str, canary: str, **others: object) -> Settings:
        config = tmp_path / "canary.yml"
        config.write_text(FLEET.replace("CANARY", canary), "utf-8")
        return Settings(config=config, sets=(), url=url, runs=tmp_path / "runs", **others)  # type: ignore[arg-type]

    return make
