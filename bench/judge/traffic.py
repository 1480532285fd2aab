"""Simulated runs: what two arms of a small HTTP service give, on a machine that is not always equally fast.

One machine carries both arms. So its moods (AR(1) noise with a value a second, for latency and for each series) and
its drift (a ramp over the whole run) go on through both, and an arm sees those of the seconds in which it is measured.
Latency is lognormal around 12 ms, at 50 requests a second. The same seed, condition and number give the same run.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

from pipeline.canary.schedule import interleaved, phased
from pipeline.judge.evidence import Arm, Evidence, Requests, Series
from pipeline.runs.phases import Phase

__all__ = ["MEDIAN", "RATE", "Condition", "Harm", "run", "runs"]

Floats = NDArray[np.float64]

RATE: Final = 50
MEDIAN: Final = 0.012  # seconds
_SPREAD: Final = 0.3  # of the logarithm of the latency
_MOOD: Final = 0.05  # standard deviation of a second's mood, as a fraction of the latency
_ERRORS: Final = 0.002  # share of errors that both arms have
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
_TAIL_SHARE: Final = 0.02  # heavy-tailed: of the requests, with a Pareto factor of this shape
_TAIL_SHAPE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Harm:
    """What the canary does worse: factors of the baseline's latency and series, shares of its requests.

    `errors` and `wrong` are shares in place of the baseline's; `tail` is a share and the factor of its
    latency; `leak` is bytes a minute.
    """

    latency: float = 1.0
    tail: tuple[float, float] = (0.0, 1.0)
    errors: float | None = None
    wrong: float = 0.0
    leak: float = 0.0
    series: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """How the machine behaves, in which schedule, and what the canary does worse.

    `phi` is the moods' correlation from one second to the next, None: no moods at all, the series white.
    `drift`: by how much the later half of the run is worse than the earlier, as a fraction.
    """

    name: str
    schedule: str = "phased"
    phi: float | None = None
    heavy: bool = False
    drift: float = 0.0
    errors: float = _ERRORS
    seconds: int = 300
    harm: Harm = field(default_factory=Harm)


def runs(condition: Condition, count: int, seed: int, first: int = 0) -> Iterator[Evidence]:
    """`count` runs of a condition, from number `first` on."""
    for number in range(first, first + count):
        yield run(condition, seed, number)


def run(condition: Condition, seed: int, number: int) -> Evidence:
    """One run. Conditions that differ only in their harm have the same machine under the same seed and number."""
    machine_name = (
        f"{condition.schedule} {condition.phi} {condition.heavy} {condition.drift} {condition.errors}"
    )
    random = np.random.default_rng([seed, zlib.crc32(machine_name.encode()), number])
    schedule = phased if condition.schedule == "phased" else interleaved
    phases = schedule(condition.seconds, 0)
    end = int(phases[-1].end)
    ramp = 1 + condition.drift * (2 * np.arange(end) / end - 0.5)
    moods = {name: _mood(random, end, condition) for name in ("latency", *_SERIES)}
    arms = []
    for name in ("baseline", "canary"):
        own = [p for p in phases if p.arm == name and p.kind == "measure"]
        harm = condition.harm if name == "canary" else Harm()
        requests = _requests(random, own, condition, harm, ramp * (1 + _MOOD * moods["latency"]))
        series = _series(own, harm, ramp, moods)
        arms.append(Arm(requests, series, float(condition.seconds), tuple(p.start for p in own)))
    return Evidence(arms[0], arms[1], pairing="age" if condition.schedule == "phased" else "time")


def _mood(random: Generator, seconds: int, condition: Condition) -> Floats:
    """Mean 0, variance 1 (heavy: Student's t with 3 degrees of freedom), correlated by `phi`."""
    phi = condition.phi or 0.0
    shocks = (
        random.standard_t(3, seconds) / np.sqrt(3) if condition.heavy else random.standard_normal(seconds)
    )
    shocks[1:] *= np.sqrt(1 - phi * phi)  # so that the first second is as spread as all others
    mood: Floats = lfilter([1.0], [1.0, -phi], shocks)
    return mood


def _requests(
    random: Generator, phases: list[Phase], condition: Condition, harm: Harm, level: Floats
) -> Requests:
    t = np.concatenate([p.start + np.arange(round((p.end - p.start) * RATE)) / RATE for p in phases])
    n = len(t)
    if condition.phi is None and condition.drift == 0:
        level = np.ones_like(level)
    latency = MEDIAN * harm.latency * np.maximum(level[t.astype(np.int64)], 0.1)
    latency *= np.exp(_SPREAD * random.standard_normal(n))
    if condition.heavy:
        slow = random.random(n) < _TAIL_SHARE
        latency[slow] *= 1 + random.pareto(_TAIL_SHAPE, int(slow.sum()))
    chance = random.random((3, n))
    latency[chance[0] < harm.tail[0]] *= harm.tail[1]
    failed = chance[1] < (condition.errors if harm.errors is None else harm.errors)
    wrong = ~failed & (chance[2] < harm.wrong)
    latency[failed] /= 4
    return Requests(
        t=t,
        latency=latency,
        status=np.where(failed, 500, 200),
        body_ok=np.where(failed, -1, np.where(wrong, 0, 1)),
        size=np.where(failed, 30, 5475),
    )


def _series(phases: list[Phase], harm: Harm, ramp: Floats, moods: dict[str, Floats]) -> dict[str, Series]:
    t = np.concatenate([np.arange(p.start, p.end) for p in phases])
    at = t.astype(np.int64)
    series = {}
    for name, (level, spread) in _SERIES.items():
        value = level * harm.series.get(name, 1.0) * (ramp[at] if name in _DRIFTING else 1.0)
        mood = moods[name]
        if name == "host_load1":  # an exponential mean over a minute, as the kernel takes it
            decay = np.exp(-1 / 60)
            mood = lfilter([1 - decay], [1, -decay], mood)
        value = value * np.maximum(1 + spread * mood[at], 0)
        if name == "service_memory":
            value = value + harm.leak / 60 * np.arange(len(t))
        series[name] = Series(t + 0.5, np.round(value) if level >= 1 else value)
    return series
