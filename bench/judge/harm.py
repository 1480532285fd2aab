"""What a canary may do worse than the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Harm", "Spikes"]


@dataclass(frozen=True, slots=True)
class Spikes:
    """A cost that is `between` of the baseline's most of the time, and `factor` times it in a share of the time."""

    share: float
    between: float
    factor: float


@dataclass(frozen=True, slots=True)
class Harm:
    """What the canary does worse: factors of the baseline's latency and series, shares of its requests.

    Attributes:
        latency: factor of every latency.
        tail: a share of the requests, and the factor of their latency.
        beyond: every latency longer than so many seconds takes that many times as long: the upper part of the
            latency's law is scaled, so its quantiles there are exactly that many times the baseline's.
        stall: stands still for so many seconds, once in so many seconds; what is due in that time waits.
        errors: share of errors, in place of the baseline's.
        wrong: share of wrong bodies.
        size: factor of the bodies' sizes.
        leak: bytes a minute.
        series: factors, by series.
        scatter: how many times the baseline's scatter, at the same mean, by series and for "latency".
        spikes: of the service's CPU.
        during: from where to where of the canary's measured time, as fractions, the factors and shares hold.
    """

    latency: float = 1.0
    tail: tuple[float, float] = (0.0, 1.0)
    beyond: tuple[float, float] | None = None
    stall: tuple[float, float] | None = None
    errors: float | None = None
    wrong: float = 0.0
    size: float = 1.0
    leak: float = 0.0
    series: dict[str, float] = field(default_factory=dict)
    scatter: dict[str, float] = field(default_factory=dict)
    spikes: Spikes | None = None
    during: tuple[float, float] = (0.0, 1.0)
