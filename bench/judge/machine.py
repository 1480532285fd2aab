"""The machine that carries both arms: how fast it is in each second, and when it stops.

Its moods (noise that is correlated from one second to the next, for latency and for each series), its drift and its
jobs go on through the whole run, so an arm sees those of the seconds in which it is measured, and two arms that are
measured at once see the same. What a host does by itself (its own part of the moods, its pauses, its outages) falls on
its arm alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

__all__ = ["Host", "Machine", "hosts", "waits", "within"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Spans = Sequence[tuple[float, float]]

# What a host's series show is partly its own, even where the machine's speed is the same for both.
_OWN_OF_SERIES: Final = 0.3
_JOB: Final = (60, 5, 1.5)  # every so many seconds, for so many, everything takes that many times as long
_PAUSE_EVERY: Final = (5.0, 20.0)  # seconds from one pause's end to the next's start
_PAUSE: Final = (0.2, 0.5)  # seconds
_OUTAGE: Final = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Machine:
    """How the machine and both of its hosts behave, whatever version they run.

    Attributes:
        phi: the moods' correlation from one second to the next; None: latency has no moods, the series are white.
        mood: standard deviation of a second's mood of latency, as a fraction.
        own: which share of the moods' variance is each host's own; the rest is the machine's.
        heavy: moods have the tails of Student's t with 3 degrees of freedom, and some latencies those of a Pareto.
        drift: by how much the later half of the run is worse than the earlier, as a fraction.
        errors: share of requests that fail, each by itself.
        pauses: each host stands still for 0.2 to 0.5 s every 5 to 20 s, as a garbage collector may.
        job: something else takes 5 s of every minute, in which everything takes half as long again.
        outages: share of the time in which a host answers nothing but errors, 2 s at once.
        saw_tooth: bytes by which a host's memory rises, to fall at once, every half minute.
    """

    phi: float | None = None
    mood: float = 0.05
    own: float = 0.0
    heavy: bool = False
    drift: float = 0.0
    errors: float = 0.002
    pauses: bool = False
    job: bool = False
    outages: float = 0.0
    saw_tooth: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """One arm's host, for each second of the run, or as spans of its seconds.

    Attributes:
        slowness: factor of latency.
        busy: factor of what the machine's drift and jobs change in a series.
        moods: by series, with mean 0 and variance 1.
        pauses, outages: from when to when.
        tooth: where in its saw-tooth the memory began, as a fraction.
    """

    slowness: Floats
    busy: Floats
    moods: dict[str, Floats]
    pauses: Spans
    outages: Spans
    tooth: float


def hosts(random: Generator, machine: Machine, seconds: int, series: Sequence[str]) -> tuple[Host, Host]:
    """Both arms' hosts on one machine, over a run of so many seconds."""
    busy = 1 + machine.drift * (2 * np.arange(seconds) / seconds - 0.5)
    if machine.job:
        every, length, factor = _JOB
        begun = (np.arange(seconds) + random.integers(every)) % every
        busy = busy * np.where(begun < length, factor, 1.0)
    moods = {name: _moods(random, machine, seconds, name != "latency") for name in ("latency", *series)}
    found = []
    for arm in (0, 1):
        mood = machine.mood * moods["latency"][arm] if machine.phi is not None else 0.0
        found.append(
            Host(
                slowness=busy * np.maximum(1 + mood, 0.1),
                busy=busy,
                moods={name: moods[name][arm] for name in series},
                pauses=_pauses(random, seconds) if machine.pauses else (),
                outages=_outages(random, seconds, machine.outages),
                tooth=float(random.random()),
            )
        )
    return found[0], found[1]


def _moods(random: Generator, machine: Machine, seconds: int, of_series: bool) -> tuple[Floats, Floats]:
    """Both arms' moods: the machine's and each host's own together."""
    own = max(machine.own, _OWN_OF_SERIES) if of_series else machine.own
    shared, one, other = (_noise(random, machine, seconds) for _ in range(3))
    return (
        np.sqrt(1 - own) * shared + np.sqrt(own) * one,
        np.sqrt(1 - own) * shared + np.sqrt(own) * other,
    )


def _noise(random: Generator, machine: Machine, seconds: int) -> Floats:
    """Mean 0, variance 1, correlated by `phi`."""
    phi = machine.phi or 0.0
    shocks = random.standard_t(3, seconds) / np.sqrt(3) if machine.heavy else random.standard_normal(seconds)
    shocks[1:] *= np.sqrt(1 - phi * phi)  # so that the first second is as spread as all others
    noise: Floats = lfilter([1.0], [1.0, -phi], shocks)
    return noise


def _pauses(random: Generator, seconds: int) -> Spans:
    spans, at = [], random.uniform(0, _PAUSE_EVERY[1])
    while at < seconds:
        end = at + random.uniform(*_PAUSE)
        spans.append((at, end))
        at = end + random.uniform(*_PAUSE_EVERY)
    return spans


def _outages(random: Generator, seconds: int, share: float) -> Spans:
    count = random.poisson(share / _OUTAGE * seconds)
    starts = np.sort(random.uniform(-_OUTAGE, seconds, count)).tolist()
    return [(start, start + _OUTAGE) for start in starts]


def waits(t: Floats, pauses: Spans) -> Floats:
    """How long each request that is due at `t` waits for the end of the pause that it falls in; 0 outside of all."""
    return np.where(within(t, pauses), _latest(t, pauses)[1] - t, 0.0)


def within(t: Floats, spans: Spans) -> Bools:
    """Which of the times lie in any of the spans, which are in order: none begins or ends before the one before it."""
    start, end = _latest(t, spans)
    inside: Bools = (t >= start) & (t < end)
    return inside


def _latest(t: Floats, spans: Spans) -> tuple[Floats, Floats]:
    """Start and end of the last span that has begun by each time; none: one that is empty."""
    edges = np.array([(-np.inf, -np.inf), *spans])
    start, end = edges[np.searchsorted(edges[:, 0], t, side="right") - 1].T
    return start, end
