"""Two arms made of seeded noise, shaped like what the lab measures, for the judge's tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.judge.policy import Policy
from pipeline.judge.rules import default_rules
from pipeline.judge.verdict import Decision, MetricVerdict, Verdict

Floats = NDArray[np.float64]
Change = Callable[[Arm, np.random.Generator], Arm]

RATE = 50
SECONDS = 60
RULES, POLICY = default_rules(), Policy()


def arm(seed: int, *, start: float = 10.0, seconds: int = SECONDS, rate: int = RATE) -> Arm:
    """A healthy service: 6 ms a request with drift and neighbours, 70 MB that still grow a little."""
    rng = np.random.default_rng(seed)
    n = seconds * rate
    t = start + np.arange(n) / rate
    # How fast the machine is at the time: slow waves that neighbouring requests share, as real series have.
    mood = 1 + 0.005 * rng.standard_normal() + 0.02 * _waves(rng, n, 4 * rate)
    latency = 0.006 * mood * rng.lognormal(0, 0.25, n)
    requests = Requests(
        t=t,
        latency=latency,
        status=np.full(n, 200, dtype=np.int64),
        body_ok=np.ones(n, dtype=np.int64),
        size=np.full(n, 5475, dtype=np.int64),
    )
    second = start + np.arange(seconds, dtype=np.float64) + 0.5
    wave = 0.02 * _waves(rng, seconds, 4)
    warm = 1 - np.exp(-np.arange(seconds, dtype=np.float64) / 15)
    values = {
        "service_cpu": 0.15 * (1 + wave),
        "service_memory": 70e6 + 4e6 * warm + 3e5 * rng.standard_normal(seconds),
        "service_threads": np.full(seconds, 11.0),
        "service_fds": 22.0 + rng.integers(0, 3, seconds).astype(np.float64),
        "service_restarts": np.zeros(seconds),
        "host_cpu": 0.3 * (1 + 2 * wave),
        "host_memory": 160e6 + 2e6 * rng.standard_normal(seconds),
        "host_load1": np.maximum(0.3 + 0.1 * _waves(rng, seconds, 10), 0.0),
    }
    return Arm(
        requests,
        {name: Series(second, value) for name, value in values.items()},
        float(seconds),
        (start,),
    )


def _waves(rng: np.random.Generator, n: int, width: int) -> Floats:
    smooth = np.convolve(rng.standard_normal(n + width), np.ones(width) / np.sqrt(width), mode="same")
    return np.asarray(smooth[:n], dtype=np.float64)


def pair(seed: int, change: Change | None = None, *, seconds: int = SECONDS) -> Evidence:
    """A baseline and a canary of the same code, one after the other; `change` makes the canary worse."""
    canary = arm(2 * seed + 1, start=seconds + 30.0, seconds=seconds)
    if change is not None:
        canary = change(canary, np.random.default_rng(seed + 9_000))
    return Evidence(arm(2 * seed, seconds=seconds), canary)


def until(arm: Arm, seconds: float) -> Arm:
    """The arm as it was known so many seconds after its first measured phase began."""
    end, r = arm.phase_starts[0] + seconds, arm.requests
    kept = r.t < end
    return Arm(
        Requests(r.t[kept], r.latency[kept], r.status[kept], r.body_ok[kept], r.size[kept]),
        {name: Series(s.t[s.t < end], s.value[s.t < end]) for name, s in arm.series.items()},
        min(arm.seconds, seconds),
        arm.phase_starts,
    )


def in_turn(evidence: Evidence, length: float = 15.0) -> Evidence:
    """The same samples as if measured in slices in the order ABBA."""
    return replace(
        evidence,
        baseline=_sliced(evidence.baseline, length, lambda k: 4 * ((k + 1) // 2) - k % 2),
        canary=_sliced(evidence.canary, length, lambda k: 4 * (k // 2) + k % 2 + 1),
        pairing="time",
    )


def _sliced(arm: Arm, length: float, place: Callable[[Floats], Floats]) -> Arm:
    def moved(t: Floats) -> Floats:
        age = t - arm.phase_starts[0]
        return place(np.floor(age / length)) * length + age % length

    return replace(
        arm,
        requests=replace(arm.requests, t=moved(arm.requests.t)),
        series={name: Series(moved(s.t), s.value) for name, s in arm.series.items()},
        phase_starts=tuple((place(np.arange(arm.seconds // length)) * length).tolist()),
    )


def drifting(evidence: Evidence, per_minute: float) -> Evidence:
    """The same samples on a machine that becomes slower all the time, whichever version it runs."""

    def slower(arm: Arm) -> Arm:
        r, cpu = arm.requests, arm.series["service_cpu"]
        latency = r.latency * (1 + per_minute) ** (r.t / 60)
        busier = with_series(arm, "service_cpu", cpu.value * (1 + per_minute) ** (cpu.t / 60))
        return replace(busier, requests=replace(r, latency=latency))

    return replace(evidence, baseline=slower(evidence.baseline), canary=slower(evidence.canary))


def with_series(arm: Arm, name: str, values: Floats) -> Arm:
    """The arm with another series in place of the one of that name."""
    return replace(arm, series={**arm.series, name: Series(arm.series[name].t, values)})


def failing(arm: Arm, where: NDArray[np.bool_], status: int) -> Arm:
    """The arm with a fast error where `where`; status 0 is no response at all."""
    r = arm.requests
    latency = np.where(where, 0.001 if status else np.nan, r.latency)
    return replace(
        arm,
        requests=replace(
            r,
            latency=latency,
            status=np.where(where, status, r.status),
            body_ok=np.where(where, -1, r.body_ok),
            size=np.where(where, 0, r.size),
        ),
    )


def broken(arm: Arm, _: np.random.Generator) -> Arm:
    """500 always, and lighter for it."""
    lighter = with_series(arm, "service_cpu", arm.series["service_cpu"].value / 5)
    return every(lighter, 500)


def slow(arm: Arm, rng: np.random.Generator) -> Arm:
    """A fifth more CPU a request."""
    jitter = 1 + 0.01 * rng.standard_normal(len(arm.requests))
    slower = replace(arm, requests=replace(arm.requests, latency=arm.requests.latency * 1.2 * jitter))
    return with_series(slower, "service_cpu", arm.series["service_cpu"].value * 1.2)


def tail(arm: Arm, rng: np.random.Generator) -> Arm:
    """One request in fifty takes ten times as long."""
    hit = rng.random(len(arm.requests)) < 1 / 50
    return replace(
        arm, requests=replace(arm.requests, latency=np.where(hit, 10.0, 1.0) * arm.requests.latency)
    )


def flaky(arm: Arm, rng: np.random.Generator) -> Arm:
    """2 % errors."""
    return failing(arm, rng.random(len(arm.requests)) < 0.02, 500)


def leak(arm: Arm, rng: np.random.Generator) -> Arm:
    """20 MB a minute that never come back, in the steps of a garbage collector."""
    memory = arm.series["service_memory"]
    minutes = (memory.t - memory.t[0]) / 60
    steps = np.floor(20 * minutes + rng.random()) * 1e6
    return with_series(arm, "service_memory", memory.value + steps)


def hog(arm: Arm, rng: np.random.Generator) -> Arm:
    """A quarter of a core besides the requests."""
    extra = 0.25 + 0.01 * rng.standard_normal(len(arm.series["service_cpu"].value))
    busy = with_series(arm, "service_cpu", arm.series["service_cpu"].value + extra)
    return with_series(busy, "host_cpu", arm.series["host_cpu"].value + extra)


def wrong(arm: Arm, rng: np.random.Generator) -> Arm:
    """200 with a wrong body, one in ten."""
    hit = rng.random(len(arm.requests)) < 0.1
    return replace(arm, requests=replace(arm.requests, body_ok=np.where(hit, 0, 1)))


def crash(arm: Arm, rng: np.random.Generator) -> Arm:
    """Exits every 300 requests and is back after two seconds."""
    place = np.arange(len(arm.requests)) % 300
    down = place >= 300 - 2 * RATE
    restarts = np.floor((arm.series["service_restarts"].t - 60) / 6) + float(rng.integers(0, 2))
    return with_series(failing(arm, down, 0), "service_restarts", restarts)


def decisions(verdict: Verdict) -> dict[str, Decision]:
    """Each metric's decision."""
    return {metric.name: metric.decision for metric in verdict.metrics}


def failed(verdict: Verdict) -> set[str]:
    """The metrics that failed."""
    return {name for name, decision in decisions(verdict).items() if decision is Decision.FAIL}


def row(verdict: Verdict, name: str) -> MetricVerdict:
    """One metric's row."""
    return next(metric for metric in verdict.metrics if metric.name == name)


def every(arm: Arm, status: int) -> Arm:
    """The arm with this status for all its requests; 0 is no response at all."""
    return failing(arm, np.ones(len(arm.requests), dtype=np.bool_), status)


def without(arm: Arm, *names: str) -> Arm:
    """The arm without these series."""
    return replace(arm, series={name: series for name, series in arm.series.items() if name not in names})


# A healthy pair, three minutes each: enough to pass.
HEALTHY_SECONDS = 180
HEALTHY = pair(2, seconds=HEALTHY_SECONDS)


@cache
def judged(seed: int, change: Change | None, seconds: int) -> Verdict:
    """The verdict on a pair, by the default rules; asked once for the same pair."""
    return judge(pair(seed, change, seconds=seconds), RULES, POLICY)
