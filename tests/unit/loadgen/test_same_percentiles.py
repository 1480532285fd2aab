"""Two shards against one process, at a server whose latencies are known: the same percentiles, within 1 %."""

from __future__ import annotations

import math
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from loadgen.cli import OK
from tests.support.divided_load import load

REQUESTS, RATE = 320, 40
# From 2 to 5 s, most of them short, each once in every load: 1 % is then more than a busy machine adds.
SLEEPS = [2 + 3 * (k / REQUESTS) ** 3 for k in range(REQUESTS)]
TOLERANCE = 0.01


def percentile(quantile: float) -> float:
    """Of the sleeps, in ms."""
    return 1000 * sorted(SLEEPS)[math.ceil(quantile * REQUESTS) - 1]


def told(*options: str) -> dict[str, float]:
    """The percentiles that a load tells, in ms."""
    sleeps = random.Random(1).sample(SLEEPS, REQUESTS)  # noqa: S311 # an order, no secret
    ended = load(
        f"--rate={RATE}", f"--duration={REQUESTS / RATE}s", "--connections=300", *options, sleeps=sleeps
    )
    assert (ended.code, ended.errors) == (OK, "")
    assert ended.summary["completed"] == len(ended.asked) == REQUESTS
    latency: dict[str, float] = ended.summary["latency_ms"]
    return latency


def test_two_shards_tell_what_one_process_tells_and_what_is_true() -> None:
    with ThreadPoolExecutor(2) as both:  # they mostly wait
        one, two = both.map(lambda options: told(*options), ((), ("--processes=2",)))
    for name, quantile in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        assert one[name] == pytest.approx(percentile(quantile), rel=TOLERANCE)
        assert two[name] == pytest.approx(one[name], rel=TOLERANCE)
