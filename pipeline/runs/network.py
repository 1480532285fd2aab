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
    "CONNECT_BEGUN",
    "NO_ANSWER",
    "ON_HOST",
    "NetworkDoubt",
    "connecting",
    "network_doubt",
    "settled",
]

# The metrics in network.csv: a probe on the host began; seconds until it was answered, or NO_ANSWER; the same of the
# proxy's connections to the host.
BEGUN: Final = "request_begun"
ON_HOST: Final = "request_on_host"
CONNECT_BEGUN: Final = "connect_begun"
CONNECT: Final = "connect_from_proxy"
NO_ANSWER: Final = math.inf

_LEAST_PROBES: Final = 5  # of a version on its host, before anything is said
_ENOUGH_PROBES: Final = 6  # before a run may end early
_OWN_ERRORS: Final = 0.05
_BY_THE_PROXY: Final = (503, 504)
_CHANCE: Final = 1e-3  # that the network is blamed though it does nothing
# What may lie between the load and the probes with a network that does nothing, as a share of a request's time.
_LEAST_SECONDS: Final = 0.002
_LEAST_SHARE: Final = 0.25
_MOST_EXACT: Final = 1_000  # pairs, beyond which an exact test takes long, and the other is as good
_NEAR_SECONDS: Final = 1.0  # a probe is compared with the requests so near to it: a busy machine slows both
# A connection that a lost packet delays takes a second (the first repetition of TCP's SYN).
_REPEATED_SECONDS: Final = 0.9
_MOST_REPEATED: Final = 0.05
# A canary that is slower on its own host by this share of what the load sees is slow itself. Not by half of it: a busy
# machine slows a host for a while as much as a network may.
_OWN_SHARE: Final = 0.75
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
    """One version.

    Attributes:
        load: seconds that each of its good answers took under load.
        own: seconds that it took for each probe on its own host.
        way: for each of these, how much longer requests took that were sent at about the same time.
        connects: seconds that the proxy needed to connect to it.
        size: bytes of an answer.
    """

    arm: str
    load: _Floats
    own: _Floats
    way: _Floats
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


def network_doubt(requests: Mapping[str, Requests], rows: SeriesRows | None) -> NetworkDoubt:
    """What the network did to the measured requests of either version.

    Args:
        requests: By arm, its measured requests.
        rows: The rows of network.csv within the measured phases of their arms; None without such a file.
    """
    if rows is None:
        return NetworkDoubt()
    sides = {arm: _side(arm, requests[arm], rows) for arm in COLOURS}
    if any(len(side.own) < _LEAST_PROBES for side in sides.values()):
        return NetworkDoubt()
    baseline, canary = sides["baseline"], sides["canary"]
    for side, other in ((canary, baseline), (baseline, canary)):
        if side.size > max(_LARGER * other.size, other.size + _LARGER_BYTES):
            continue
        if said := _lost(side, other):
            return NetworkDoubt(dict.fromkeys(_ANSWERED, said))
        if said := _delayed(side, other):
            if side is canary and _slow_itself(canary, baseline):
                both = f"{said}. But nearly all of the difference is there on its own host, too"
                return NetworkDoubt(problems=(Problem("note", both),))
            return NetworkDoubt(dict.fromkeys(_TIMED, said))
    return NetworkDoubt()


def settled(requests: Requests, rows: SeriesRows | None) -> bool:
    """Whether it can be told by now if the network or the canary is at fault.

    An error that the service itself gave is no network's; what the proxy gives where it has no answer may be.

    Args:
        requests: The canary's measured requests.
        rows: The rows of network.csv within the measured phases of their arms; None without such a file.
    """
    status = requests.status
    own_errors = (status >= 400) & ~np.isin(status, _BY_THE_PROXY)
    if rows is None or (len(status) and np.mean(own_errors) > _OWN_ERRORS):
        return True
    return int(np.sum((rows.arm == "canary") & (rows.metric == ON_HOST))) >= _ENOUGH_PROBES


def connecting(taken: Mapping[str, float]) -> str:
    """What is to be told of the time that connecting from the proxy took before the load; empty where it is alike.

    >>> connecting({"baseline": 0.0002, "canary": 0.1}), connecting({"baseline": 0.0002, "canary": 0.0004})
    ('before the load connecting from the proxy took 0.2 ms to blue, 100 ms to green', '')
    """
    if set(taken) != set(COLOURS) or max(taken.values()) < 2 * min(taken.values()) + _LEAST_SECONDS:
        return ""
    each = ", ".join(f"{amount(taken[arm], 's')} to {colour}" for arm, colour in COLOURS.items())
    return f"before the load connecting from the proxy took {each}"


def _side(arm: str, requests: Requests, rows: SeriesRows) -> _Side:
    mine = rows.arm == arm
    good = np.isfinite(requests.latency) & (requests.status > 0) & (requests.status < 500)
    t, load = requests.t[good], requests.latency[good]
    begun, own = _lasted(rows, mine, BEGUN, ON_HOST)
    _, connects = _lasted(rows, mine, CONNECT_BEGUN, CONNECT)
    near = [load[np.abs(t - at) <= _NEAR_SECONDS] for at in begun]
    way = [np.median(those) - took for those, took in zip(near, own, strict=True) if len(those)]
    return _Side(
        arm=arm,
        load=load,
        own=own,
        way=np.asarray(way, dtype=np.float64),
        connects=connects,
        size=float(np.median(requests.size[good])) if good.any() else 0.0,
    )


def _lasted(rows: SeriesRows, mine: NDArray[np.bool_], begun: str, ended: str) -> tuple[_Floats, _Floats]:
    """When each probe of a kind began, and the seconds that it took or, where it has not ended yet, has lasted."""
    done = mine & (rows.metric == ended)
    started = rows.t[mine & (rows.metric == begun)]
    pending = started[~np.isin(started, rows.t[done])]
    newest = float(np.max(rows.t, initial=0.0))
    lasted = np.concatenate((rows.value[done], np.maximum(newest - pending, 0.0)))
    return np.concatenate((rows.t[done], pending)), lasted


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
    """Requests took longer than on the host, by more than those of the other version did."""
    if min(len(side.way), len(other.way)) < _LEAST_PROBES:
        return ""
    from scipy.stats import mannwhitneyu  # a third of a second: only who judges waits for it

    load, usual = float(np.median(side.load)), float(np.median(other.load))
    # A way that takes less than nothing is that of a host on which a probe starts slowly.
    allowed = np.maximum(other.way, 0.0) + max(_LEAST_SECONDS, _LEAST_SHARE * usual)
    how = "exact" if len(allowed) * len(side.way) < _MOST_EXACT else "asymptotic"
    if mannwhitneyu(side.way, allowed, alternative="greater", method=how).pvalue >= _CHANCE:
        return ""
    own, others = float(np.median(side.own)), float(np.median(other.own))
    return (
        f"the network between the proxy and {side.colour} delays requests: the {side.arm}'s take "
        f"{amount(load, 's')} ({amount(own, 's')} on its own host), the {other.arm}'s "
        f"{amount(usual, 's')} ({amount(others, 's')}){_connecting(side, other)}"
    )


def _connecting(side: _Side, other: _Side) -> str:
    """What connecting from the proxy shows, where it does."""
    if math.isnan(side.connect) or not side.connect > 2 * other.connect + _LEAST_SECONDS / 2:
        return ""
    return f"; connecting takes {amount(side.connect, 's')} against {amount(other.connect, 's')}"


def _slow_itself(canary: _Side, baseline: _Side) -> bool:
    """Whether nearly all that the load sees of a difference is there on the hosts themselves."""
    load = float(np.median(canary.load) - np.median(baseline.load))
    own = float(np.median(canary.own) - np.median(baseline.own))
    return own >= max(_OWN_SHARE * load, _LEAST_SHARE * float(np.median(baseline.own)), _LEAST_SECONDS)
