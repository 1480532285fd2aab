"""A judge configuration that is right, for tests to make wrong."""

from __future__ import annotations

from typing import Final

__all__ = ["EXAMPLE"]

EXAMPLE: Final = """\
arms:
  baseline: {version: v1}
  canary: {version: v2}
window: {from: -1h, to: now}
step: 30s
metrics:
  - name: error_rate
    title: Errors
    kind: proportion
    margin: 0.5pp
    critical: true
    prometheus:
      counters: true
      hits: http_requests_total{$arm,code=~"5.."}
      total: http_requests_total{$arm}
  - name: latency
    kind: level
    unit: s
    margin: 10%
    floor: 2ms
    prometheus:
      query: {baseline: "a{$arm}", canary: "b{$arm}"}
  - name: queue
    kind: level
    unit: jobs
    margin: 5
    direction: either
    csv: {column: queue length}
    prometheus: {query: "sum(queue{$arm})"}
policy: {alpha: 0.01, min_blocks: 20}
"""
