"""The metrics that exist: what each means, its unit, and what a rule gets when it says nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["CATALOGUE", "Direction", "Kind", "Metric"]

_MB: Final = 1_000_000.0


class Direction(StrEnum):
    """Which way a metric must move to count as harm."""

    INCREASE = "increase"
    DECREASE = "decrease"
    EITHER = "either"


class Kind(StrEnum):
    """How a metric is compared (docs/judge.md has a section on each)."""

    PROPORTION = "proportion"  # a share: hits of a total
    QUANTILE = "quantile"  # of the good responses, by blocks of seconds
    LEVEL = "level"  # a mean, by blocks of seconds
    TREND = "trend"  # a slope within phases
    COUNT = "count"  # events
    JOINT = "joint"  # several levels, each in units of its own margin, taken together


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue.

    Attributes:
        unit: one of fraction, s, 1/s, B, B/min, cores, load, count, margins.
        floor: the smallest difference, in that unit, that a relative threshold may call harmful: 20 % of next to
            nothing is nothing (for a trend: the least growth in all, in bytes, that counts as a leak).
        needs_work: looks better on a version that answers with errors, so it is compared only where most requests were
            answered well.
        share: its part of the run's alpha, relative to the other rules' shares.
        per_request: grows with the requests, so it is compared by request where chance deals them.
        requests: measured on the requests; otherwise on the series `series` (its own name when empty), and for a
            proportion on the series of hits and the series `total`.
    """

    name: str
    title: str
    unit: str
    group: str
    kind: Kind
    direction: Direction
    threshold: str
    weight: float
    critical: bool = False
    floor: float = 0.0
    needs_work: bool = False
    share: float = 1.0
    requests: bool = False
    per_request: bool = False
    series: str = ""
    total: str = ""


_UP, _DOWN, _EITHER = Direction.INCREASE, Direction.DECREASE, Direction.EITHER
_PROPORTION, _QUANTILE, _LEVEL = Kind.PROPORTION, Kind.QUANTILE, Kind.LEVEL
_ALL = (
    Metric(
        "error_rate", "Errors", "fraction", "errors", _PROPORTION, _UP, "0.3pp", 30,
        critical=True, share=16, requests=True,
    ),
    Metric(
        "wrong_body_rate", "Wrong bodies", "fraction", "errors", _PROPORTION, _UP, "0.2pp", 30,
        critical=True, requests=True,
    ),
    Metric("new_statuses", "New statuses", "fraction", "errors", _PROPORTION, _UP, "0.2pp", 30, requests=True),
    Metric("throughput", "Good responses", "1/s", "errors", _LEVEL, _DOWN, "5%", 15, floor=0.2, requests=True),
    Metric(
        "availability", "Availability", "fraction", "availability", _PROPORTION, _DOWN, "5pp", 10, requests=True
    ),
    Metric(
        "latency_p50", "Latency, median", "s", "latency", _QUANTILE, _UP, "5%", 30,
        floor=0.0002, needs_work=True, requests=True, share=4,
    ),
    Metric(
        "latency_p99", "Latency, p99", "s", "latency", _QUANTILE, _UP, "50%", 30,
        floor=0.002, needs_work=True, requests=True, share=2,
    ),
    Metric(
        "latency_quantiles", "Latency, p10 to p90", "s", "latency", _QUANTILE, _UP, "25%", 30,
        floor=0.0005, needs_work=True, requests=True, share=4,
    ),
    Metric(
        "slow_requests", "Slow requests", "fraction", "latency", _PROPORTION, _UP, "0.3pp", 30,
        needs_work=True, requests=True,
    ),
    Metric(
        "response_size", "Response size", "B", "service", _LEVEL, _EITHER, "20%", 10,
        floor=64, needs_work=True, requests=True,
    ),
    Metric(
        "service_cpu", "Service CPU", "cores", "service", _LEVEL, _UP, "10%", 30, floor=0.01, needs_work=True,
        per_request=True,
    ),
    Metric(
        "service_memory", "Service memory", "B", "service", _LEVEL, _UP, "30%", 30, floor=8 * _MB, needs_work=True
    ),
    Metric(
        "service_memory_growth", "Service memory growth", "B/min", "service", Kind.TREND, _UP, "10MB/min", 30,
        floor=4 * _MB, needs_work=True, series="service_memory",
    ),
    Metric("service_threads", "Service threads", "count", "service", _LEVEL, _UP, "50%", 10, floor=4),
    Metric("service_fds", "Service file descriptors", "count", "service", _LEVEL, _UP, "50%", 10, floor=20),
    Metric(
        "service_restarts", "Service restarts", "count", "service", Kind.COUNT, _UP, "0", 30, critical=True
    ),
    Metric("joint_shift", "All together", "margins", "service", Kind.JOINT, _UP, "0.5", 30, needs_work=True),
    Metric(
        "host_cpu", "Host CPU", "cores", "host", _LEVEL, _UP, "25%", 10, floor=0.05, needs_work=True,
        per_request=True,
    ),
    Metric("host_memory", "Host memory", "B", "host", _LEVEL, _UP, "25%", 10, floor=32 * _MB, needs_work=True),
    Metric("host_load1", "Host load", "load", "host", _LEVEL, _UP, "50%", 5, floor=0.5, needs_work=True),
)  # fmt: skip

CATALOGUE: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _ALL})
