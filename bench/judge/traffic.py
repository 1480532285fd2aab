"""Simulated runs: what two arms of a small HTTP service give, in each of the three schedules.

Latency is lognormal around 12 ms, at 50 requests a second in all. A run takes the same time in every schedule: one arm
after the other (phased) or in turns (interleaved), each measured for `seconds`; or both at once (concurrent) for twice
as long, each request going to one of them by chance. The same seed, condition and number give the same run.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench.judge.harm import Harm
from bench.judge.machine import Host, Machine, hosts, waits, within
from pipeline.canary.schedule import interleaved, phased
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.runs.phases import Phase

__all__ = ["MEDIAN", "RATE", "SCHEDULES", "Condition", "run", "runs"]

Floats = NDArray[np.float64]

RATE: Final = 50  # requests a second, of both arms together
SCHEDULES: Final = ("phased", "interleaved", "concurrent")
MEDIAN: Final = 0.012  # seconds
_SPREAD: Final = 0.3  # of the logarithm of the latency
_SIZE: Final = 5475  # bytes of a good body, and how much they differ as a fraction of that
_SIZES: Final = 0.02
# Each series: its level, and the standard deviation of its seconds as a fraction of that.
_SERIES: Final = MappingProxyType(
    {
        "service_cpu": (0.25, 0.08),
        "service_memory": (61e6, 0.01),
        "service_threads": (11.0, 0.0),
        "service_fds": (24.0, 0.02),
        "service_restarts": (0.0, 0.0),
        "host_cpu": (0.35, 0.08),
        "host_memory": (180e6, 0.01),
        "host_load1": (0.4, 0.3),
    }
)
_DRIFTING: Final = ("service_cpu", "service_memory", "host_cpu", "host_memory", "host_load1")
# Which part of a series is there without any request; the rest goes with the requests that the arm gets.
_IDLE: Final = MappingProxyType({"service_cpu": 0.0, "host_cpu": 0.3})
_TAIL_SHARE: Final = 0.02  # heavy-tailed: of the requests, with a Pareto factor of this shape
_TAIL_SHAPE: Final = 1.5
_TOOTH: Final = 30.0  # seconds
_SPIKE: Final = 2  # seconds


@dataclass(frozen=True, slots=True)
class Condition:
    """How the machine behaves, in which schedule and for how long, and what the canary does worse.

    `seconds` is how long each arm is measured where only one is at a time.
    """

    name: str
    schedule: str = "phased"
    machine: Machine = field(default_factory=Machine)
    seconds: int = 300
    harm: Harm = field(default_factory=Harm)

    @property
    def measured(self) -> int:
        """Seconds for which each arm is measured."""
        return 2 * self.seconds if self.schedule == "concurrent" else self.seconds

    @property
    def rate(self) -> float:
        """Requests a second that an arm gets while it is measured."""
        return RATE / 2 if self.schedule == "concurrent" else RATE

    def phases(self) -> tuple[Phase, ...]:
        """What is measured when, without warm-ups."""
        if self.schedule == "concurrent":
            return tuple(Phase(arm, "measure", 0.0, float(self.measured)) for arm in ("baseline", "canary"))
        schedule = phased if self.schedule == "phased" else interleaved
        return tuple(phase for phase in schedule(self.seconds, 0) if phase.kind == "measure")


def runs(condition: Condition, count: int, seed: int, first: int = 0) -> Iterator[Evidence]:
    """`count` runs of a condition, from number `first` on."""
    for number in range(first, first + count):
        yield run(condition, seed, number)


def run(condition: Condition, seed: int, number: int) -> Evidence:
    """One run. Conditions that differ only in their harm have the same machine under the same seed and number."""
    name = zlib.crc32(f"{condition.schedule} {condition.machine}".encode())
    machine, baseline, canary, harmed = (
        np.random.default_rng([seed, name, number, part]) for part in range(4)
    )
    phases = condition.phases()
    end = math.ceil(max(phase.end for phase in phases))
    on = hosts(machine, condition.machine, end, tuple(_SERIES))
    own = [[phase for phase in phases if phase.arm == arm] for arm in ("baseline", "canary")]
    due = [_due(of_arm) for of_arm in own]
    if condition.schedule == "concurrent":  # both see the same clock, and each of its requests goes to one
        chance = machine.random(len(due[0])) < 0.5
        due = [due[0][chance], due[1][~chance]]
    arms = (
        _arm(condition, on[0], own[0], due[0], Harm(), (baseline, harmed)),
        _arm(condition, on[1], own[1], due[1], condition.harm, (canary, harmed)),
    )
    return Evidence(*arms, pairing="age" if condition.schedule == "phased" else "time")


def _due(phases: Sequence[Phase]) -> Floats:
    """When the loader sends its requests in these phases."""
    return np.concatenate([p.start + np.arange(round(p.seconds * RATE)) / RATE for p in phases])


def _arm(
    condition: Condition,
    host: Host,
    phases: Sequence[Phase],
    due: Floats,
    harm: Harm,
    random: tuple[Generator, Generator],
) -> Arm:
    """One arm; `random` is for what it does whatever the harm, and for the harm."""
    requests = _requests(condition, host, phases, due, harm, random)
    series = _series(condition, host, phases, due, harm, random[1])
    return Arm(requests, series, float(condition.measured), tuple(phase.start for phase in phases))


def _harmed(t: Floats, phases: Sequence[Phase], harm: Harm) -> NDArray[np.bool_]:
    """Which times lie in the part of the arm's measured time in which its harm holds."""
    starts = np.array([phase.start for phase in phases])
    lengths = np.array([phase.seconds for phase in phases])
    at = np.searchsorted(starts, t, side="right") - 1
    age = (np.cumsum(lengths) - lengths)[at] + t - starts[at]
    part = age / lengths.sum()
    inside: NDArray[np.bool_] = (part >= harm.during[0]) & (part < harm.during[1])
    return inside


def _requests(
    condition: Condition,
    host: Host,
    phases: Sequence[Phase],
    t: Floats,
    harm: Harm,
    random: tuple[Generator, Generator],
) -> Requests:
    machine, n = condition.machine, len(t)
    common, harms = random
    here = _harmed(t, phases, harm)
    spread, middle = _SPREAD, MEDIAN
    if "latency" in harm.scatter:  # a lognormal of the same mean, and so many times the standard deviation
        wider = math.log1p(harm.scatter["latency"] ** 2 * math.expm1(_SPREAD**2))
        spread, middle = math.sqrt(wider), MEDIAN * math.exp((_SPREAD**2 - wider) / 2)
    latency = middle * host.slowness[t.astype(np.int64)] * np.exp(spread * common.standard_normal(n))
    if machine.heavy:
        slow = common.random(n) < _TAIL_SHARE
        latency[slow] *= 1 + common.pareto(_TAIL_SHAPE, int(slow.sum()))
    fails = common.random(n)
    sizes = _SIZE * (1 + _SIZES * common.standard_normal(n))
    chance = harms.random((2, n))
    latency[here] *= harm.latency
    latency[here & (chance[0] < harm.tail[0])] *= harm.tail[1]
    if harm.beyond is not None:
        latency[here & (latency > harm.beyond[0])] *= harm.beyond[1]
    if harm.stall is not None:
        length, every = harm.stall
        first = harms.uniform(0, every)
        latency += waits(t, [(s, s + length) for s in np.arange(first, phases[-1].end, every).tolist()])
    latency += waits(t, host.pauses)
    share = np.where(here & (harm.errors is not None), harm.errors or 0.0, machine.errors)
    failed = (fails < share) | within(t, host.outages)
    wrong = ~failed & here & (chance[1] < harm.wrong)
    latency[failed] /= 4
    return Requests(
        t=t,
        latency=latency,
        status=np.where(failed, 500, 200),
        body_ok=np.where(failed, -1, np.where(wrong, 0, 1)),
        size=np.where(failed, 30, np.round(harm.size * sizes).astype(np.int64)),
    )


def _series(
    condition: Condition,
    host: Host,
    phases: Sequence[Phase],
    due: Floats,
    harm: Harm,
    harms: Generator,
) -> dict[str, Series]:
    t = np.concatenate([p.start + np.arange(math.floor(p.seconds)) for p in phases])
    at = t.astype(np.int64)
    here = _harmed(t, phases, harm)
    busy, age = host.busy[at], np.arange(len(t))
    # One arm alone gets RATE in every second; of two at once each gets what chance gives it.
    load = np.bincount(due.astype(np.int64), minlength=at.max() + 1)[at] / RATE
    if condition.schedule != "concurrent":
        load = np.ones(len(t))
    series = {}
    for name, (level, spread) in _SERIES.items():
        mood = host.moods[name]
        if name == "host_load1":  # an exponential mean over a minute, as the kernel takes it
            decay = np.exp(-1 / 60)
            mood = lfilter([1 - decay], [1, -decay], mood)
        value = level * np.where(here, harm.series.get(name, 1.0), 1.0)
        value = value * _scattered(spread, mood[at], harm.scatter.get(name, 1.0))
        value = value * (busy if name in _DRIFTING else 1.0)
        if name in _IDLE:
            value = value * (_IDLE[name] + (1 - _IDLE[name]) * load)
        if name == "service_memory":
            value = value + harm.leak / 60 * age
            value = value + condition.machine.saw_tooth * ((age / _TOOTH + host.tooth) % 1)
        if name == "service_cpu" and harm.spikes is not None:
            high = harms.random(len(t) // _SPIKE + 1)[age // _SPIKE] < harm.spikes.share
            value = value * np.where(high, harm.spikes.factor, harm.spikes.between)
        series[name] = Series(t + 0.5, np.round(value) if level >= 1 else value)
    return series


def _scattered(spread: float, mood: Floats, times: float) -> Floats:
    """Factors around 1 with `times` the scatter; lognormal beyond once, so that they stay positive with that mean."""
    if times == 1:
        return np.maximum(1 + spread * mood, 0)
    variance = math.log1p((times * spread) ** 2)
    return np.exp(math.sqrt(variance) * mood - variance / 2)
