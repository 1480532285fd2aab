"""Whether the network of one host, and not its service, makes the requests of one version slow or lost.

While a version carries load it is asked on its own host as well, once a second (pipeline/canary/network.py). Both ways
end at the same socket of the same service, so a service that is slow, hangs or accepts late shows it on both; what only
the load shows came to be on the way from the proxy. Missing probes change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import CATALOGUE
from pipeline.judge.evidence import Problem, Requests
from pipeline.judge.words import amount, count_of
from pipeline.runs.phases import COLOURS
from pipeline.runs.tables import SeriesRows

__all__ = [
    "BEGUN",
    "CONNECT",
    "LEAST_PROBES",
    "NO_ANSWER",
    "ON_HOST",
    "NetworkDoubt",
    "connecting",
    "network_doubt",
]

# The metrics in network.csv: a probe on the host began; seconds until it was answered; seconds until the proxy was
# connected to the host, or NO_ANSWER.
BEGUN: Final = "request_begun"
ON_HOST: Final = "request_on_host"
CONNECT: Final = "connect_from_proxy"
NO_ANSWER: Final = math.inf

LEAST_PROBES: Final = 4  # of a version on its host, before anything is said
_CHANCE: Final = 1e-4  # that the network is blamed though it does nothing, at one look
# What an identical network may differ by: the load goes through the proxy, and the probes begin a process.
_LEAST_SECONDS: Final = 0.002
_LEAST_SHARE: Final = 0.1
# A connection that a lost packet delays takes a second (the first repetition of TCP's SYN).
_REPEATED_SECONDS: Final = 0.9
_MOST_REPEATED: Final = 0.05
# A version that is slower on its own host by this share of what the load sees is slow itself.
_OWN_SHARE: Final = 0.5
_TWICE_SECONDS: Final = 0.05
# Answers larger by this factor, and as many bytes, fill a network by themselves.
_LARGER: Final = 2.0
_LARGER_BYTES: Final = 50_000

_TIMED: Final = ("latency_p50", "latency_p99", "latency_quantiles", "slow_requests")
_ANSWERED: Final = tuple(metric.name for metric in CATALOGUE.values() if metric.requests)

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NetworkDoubt:
    """By metric, why its samples say nothing of the versions; and what else is worth telling."""

    untrusted: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One version: what the load saw (infinite: no good answer), and what was seen on its own host and on the way."""

    arm: str
    load: _Floats
    own: _Floats
    connects: _Floats
    size: float

    @property
    def colour(self) -> str:
        return COLOURS[self.arm]

    @property
    def connect(self) -> float:
        """How long connecting from the proxy takes; not a number where it was not tried."""
        return float(np.median(self.connects)) if len(self.connects) else math.nan

    @property
    def repeated(self) -> float:
        """The share of the proxy's connections that were made at the second attempt, or never."""
        return float(np.mean(self.connects >= _REPEATED_SECONDS)) if len(self.connects) else 0.0

    @property
    def usual(self) -> float:
        """What the way to this version adds to a request."""
        return float(np.median(self.load) - np.median(self.own))

    @property
    def doubt(self) -> float:
        """How far off that may be, by the scatter of the probes."""
        spread = np.median(np.abs(self.own - np.median(self.own)))
        return float(2 * 1.86 * spread / math.sqrt(len(self.own)))


def network_doubt(requests: Mapping[str, Requests], rows: SeriesRows | None) -> NetworkDoubt:
    """What the network did to the measured requests of either version.

    Args:
        requests: By arm, its measured requests.
        rows: The rows of network.csv within the measured phases of their arms; None without such a file.
    """
    if rows is None:
        return NetworkDoubt()
    sides = {arm: _side(arm, requests[arm], rows) for arm in COLOURS}
    if any(len(side.own) < LEAST_PROBES or not len(side.load) for side in sides.values()):
        return NetworkDoubt()
    baseline, canary = sides["baseline"], sides["canary"]
    for side, other in ((canary, baseline), (baseline, canary)):
        if side.size > max(_LARGER * other.size, other.size + _LARGER_BYTES):
            continue
        if said := _lost(side, other):
            return NetworkDoubt(dict.fromkeys(_ANSWERED, said))
        if said := _delayed(side, other):
            if side is canary and _slow_itself(canary, baseline):
                both = f"{said}. But most of the difference is there on its own host, too"
                return NetworkDoubt(problems=(Problem("note", both),))
            return NetworkDoubt(dict.fromkeys(_TIMED, said))
    return NetworkDoubt()


def connecting(taken: Mapping[str, float]) -> str:
    """What is to be told of the time that connecting from the proxy took before the load; empty where it is alike.

    >>> connecting({"baseline": 0.0002, "canary": 0.1}), connecting({"baseline": 0.0002, "canary": 0.0004})
    ('before the load connecting from the proxy took 200 us to blue, 100 ms to green', '')
    """
    if set(taken) != set(COLOURS) or max(taken.values()) < 2 * min(taken.values()) + _LEAST_SECONDS:
        return ""
    each = ", ".join(f"{amount(taken[arm], 's')} to {colour}" for arm, colour in COLOURS.items())
    return f"before the load connecting from the proxy took {each}"


def _side(arm: str, requests: Requests, rows: SeriesRows) -> _Side:
    mine = rows.arm == arm
    good = np.isfinite(requests.latency) & (requests.status > 0) & (requests.status < 500)
    known = np.isfinite(requests.t)
    return _Side(
        arm=arm,
        load=np.where(good, requests.latency, np.inf)[known],
        own=_own(rows, mine),
        connects=rows.value[mine & (rows.metric == CONNECT)],
        size=float(np.median(requests.size[good])) if good.any() else 0.0,
    )


def _own(rows: SeriesRows, mine: NDArray[np.bool_]) -> _Floats:
    """Seconds that each probe on the host took; of one that is not answered yet, those that it has lasted."""
    answered = mine & (rows.metric == ON_HOST)
    begun = rows.t[mine & (rows.metric == BEGUN)]
    pending = begun[~np.isin(begun, rows.t[answered])]
    values = rows.value[answered]
    if not len(pending):
        return values
    took = np.where(np.isfinite(rows.value), rows.value, 0.0) * answered
    newest = float(np.max(rows.t + took))
    return np.asarray(np.concatenate((values, np.maximum(newest - pending, 0.0))), dtype=np.float64)


def _lost(side: _Side, other: _Side) -> str:
    """Packets are lost on the way: the proxy's connections take a second attempt, and those on the host take none.

    That alone tells it from a service that accepts late, or whose answers the proxy refuses.
    """
    if side.repeated <= other.repeated + _MOST_REPEATED or np.max(side.own) >= _REPEATED_SECONDS:
        return ""
    failed = int(np.count_nonzero(side.connects >= _REPEATED_SECONDS))
    return (
        f"the network between the proxy and {side.colour} loses packets: of the proxy's connections to it "
        f"{count_of(failed, len(side.connects))} needed a second attempt or failed, and the {side.arm} answered all "
        f"{len(side.own)} requests on its own host, in {amount(float(np.median(side.own)), 's')}"
    )


def _delayed(side: _Side, other: _Side) -> str:
    """Requests took longer than on the host, by more than what the way to the other version adds."""
    load, usual = side.load[np.isfinite(side.load)], other.load[np.isfinite(other.load)]
    if not len(load) or not len(usual) or not np.isfinite(np.median(other.own)):
        return ""
    normal = other.usual if math.isfinite(other.usual) else 0.0
    middle = float(np.median(usual))
    expected = side.own + normal + other.doubt + max(_LEAST_SECONDS, _LEAST_SHARE * middle)
    n = len(expected)
    above = int(np.count_nonzero(expected >= np.median(load)))
    by_middle = sum(math.comb(n, k) for k in range(above + 1)) / 2.0**n < _CHANCE
    slowest = max(float(np.max(expected)), float(np.quantile(usual, 0.99)))
    by_slowest = (1 - float(np.mean(load > slowest))) ** n < _CHANCE
    if not by_middle and not by_slowest:
        return ""
    own, others = float(np.median(side.own)), float(np.median(other.own))
    return (
        f"the network between the proxy and {side.colour} delays requests: the {side.arm}'s take "
        f"{amount(float(np.median(load)), 's')} ({amount(own, 's')} on its own host), the {other.arm}'s "
        f"{amount(middle, 's')} ({amount(others, 's')}){_connecting(side, other)}"
    )


def _connecting(side: _Side, other: _Side) -> str:
    """What connecting from the proxy shows, where it does."""
    if math.isnan(side.connect) or not side.connect > 2 * other.connect + _LEAST_SECONDS / 2:
        return ""
    return f"; connecting takes {amount(side.connect, 's')} against {amount(other.connect, 's')}"


def _slow_itself(canary: _Side, baseline: _Side) -> bool:
    """Whether the canary is slower on its own host by most of what the load sees, or twice as slow as the baseline."""
    load = float(np.median(canary.load) - np.median(baseline.load))
    own, usual = float(np.median(canary.own)), float(np.median(baseline.own))
    most = max(_OWN_SHARE * load, _LEAST_SHARE * usual, _LEAST_SECONDS)
    return own - usual >= min(most, max(usual, _TWICE_SECONDS))
