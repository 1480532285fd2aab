"""The metrics that exist: what each means, its unit, and what a rule gets when it says nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["CATALOGUE", "Direction", "Kind", "Metric"]

MB: Final = 1_000_000.0


class Direction(StrEnum):
    """Which way a metric must move to be harm."""

    INCREASE = "increase"
    DECREASE = "decrease"
    EITHER = "either"


class Kind(StrEnum):
    """How a metric is compared (docs/judge.md has a section on each)."""

    PROPORTION = "proportion"  # so many of so many: exact test
    QUANTILE = "quantile"  # of the good responses, tested on blocks of seconds
    LEVEL = "level"  # a mean, tested on blocks of seconds
    TREND = "trend"  # a slope within phases
    COUNT = "count"  # events: exact test


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue.

    `unit` is one of fraction, s, 1/s, B, B/min, cores, load, count. `floor` is the smallest difference, in
    that unit, that a relative threshold may call harmful: 20 % of next to nothing is nothing (for a trend:
    the least growth in all, in bytes, that counts as a leak). `needs_work` marks metrics that look better on
    a version that answers with errors, so they are compared only where most requests were answered well.
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


_UP, _DOWN, _EITHER = Direction.INCREASE, Direction.DECREASE, Direction.EITHER
_ALL = (
    Metric("error_rate", "Errors", "fraction", "errors", Kind.PROPORTION, _UP, "0.5pp", 30, critical=True),
    Metric(
        "wrong_body_rate",
        "Wrong bodies",
        "fraction",
        "errors",
        Kind.PROPORTION,
        _UP,
        "0.1pp",
        30,
        critical=True,
    ),
    Metric(
        "availability", "Availability", "fraction", "errors", Kind.PROPORTION, _DOWN, "1pp", 30, critical=True
    ),
    Metric("throughput", "Good responses", "1/s", "errors", Kind.LEVEL, _DOWN, "5%", 15, floor=0.2),
    Metric(
        "latency_p50",
        "Latency, median",
        "s",
        "latency",
        Kind.QUANTILE,
        _UP,
        "15%",
        30,
        floor=0.0003,
        needs_work=True,
    ),
    Metric(
        "latency_p99",
        "Latency, p99",
        "s",
        "latency",
        Kind.QUANTILE,
        _UP,
        "50%",
        30,
        floor=0.002,
        needs_work=True,
    ),
    Metric(
        "response_size",
        "Response size",
        "B",
        "service",
        Kind.QUANTILE,
        _EITHER,
        "20%",
        10,
        floor=64,
        needs_work=True,
    ),
    Metric(
        "service_cpu",
        "Service CPU",
        "cores",
        "service",
        Kind.LEVEL,
        _UP,
        "15%",
        30,
        floor=0.01,
        needs_work=True,
    ),
    Metric(
        "service_memory",
        "Service memory",
        "B",
        "service",
        Kind.LEVEL,
        _UP,
        "30%",
        30,
        floor=8 * MB,
        needs_work=True,
    ),
    Metric(
        "service_memory_growth",
        "Service memory growth",
        "B/min",
        "service",
        Kind.TREND,
        _UP,
        "10MB/min",
        30,
        floor=4 * MB,
        needs_work=True,
    ),
    Metric("service_threads", "Service threads", "count", "service", Kind.LEVEL, _UP, "50%", 10, floor=4),
    Metric(
        "service_fds", "Service file descriptors", "count", "service", Kind.LEVEL, _UP, "50%", 10, floor=20
    ),
    Metric(
        "service_restarts", "Service restarts", "count", "service", Kind.COUNT, _UP, "0", 30, critical=True
    ),
    Metric("host_cpu", "Host CPU", "cores", "host", Kind.LEVEL, _UP, "25%", 10, floor=0.05, needs_work=True),
    Metric(
        "host_memory", "Host memory", "B", "host", Kind.LEVEL, _UP, "25%", 10, floor=32 * MB, needs_work=True
    ),
    Metric("host_load1", "Host load", "load", "host", Kind.LEVEL, _UP, "50%", 5, floor=0.5, needs_work=True),
)

CATALOGUE: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _ALL})
