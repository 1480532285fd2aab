"""What a gate is recorded on: a real Prometheus that scrapes two versions of a small service, and a configuration."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.live_services import Service, live

__all__ = ["watched"]

_CONFIG: Final = """\
arms:
  baseline: {version: "1.4.0"}
  canary: {version: "1.5.0"}
step: 15s
metrics:
  - name: errors
    title: Errors
    kind: proportion
    margin: 0.5pp
    critical: true
    prometheus:
      counters: true
      hits: http_requests_total{$arm,status="500"}
      total: http_requests_total{$arm}
      absent: zero
  - name: latency
    title: Latency, median
    kind: level
    unit: s
    margin: 10%
    prometheus:
      query: histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{$arm}[$step])))
"""


@contextmanager
def watched(directory: Path) -> Iterator[Mapping[str, str]]:
    """Both versions and the server, while they run; canary.yml is in `directory`. Gives what a session's shell gets."""
    (directory / "canary.yml").write_text(_CONFIG, "utf-8")
    live_one, canary = Service("1.4.0", 1), Service("1.5.0", 2)
    live_one.rate = canary.rate = 20.0
    canary.failing = 0.5
    with tempfile.TemporaryDirectory(prefix="watched-") as data, live(Path(data), [live_one, canary]) as url:
        yield {"PROMETHEUS": url}
