"""The conditions that are simulated: the same code twice, harm exactly as large as is allowed, and real harm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bench.judge.traffic import Condition, Harm

__all__ = ["ALIKE", "AT_THE_MARGIN", "EQUAL_ERRORS", "HARMS", "LOOKED_AT", "Case"]

_MB: Final = 1e6
_SCHEDULES: Final = ("phased", "interleaved")


@dataclass(frozen=True, slots=True)
class Case:
    """A condition and the thresholds, by metric, that differ from the default rules'.

    `metric` is the one whose harm lies exactly at its margin, where the case is about that.
    """

    condition: Condition
    thresholds: dict[str, str] = field(default_factory=dict)
    metric: str = ""


def _alike() -> tuple[Case, ...]:
    cases = []
    for schedule in _SCHEDULES:
        cases += [
            Condition("independent", schedule),
            Condition("heavy-tailed", schedule, heavy=True),
            *(Condition(f"AR(1), phi {phi:g}", schedule, phi=phi) for phi in (0.3, 0.6, 0.9)),
            *(Condition(f"drift {d:.0%}", schedule, phi=0.3, drift=d) for d in (0.01, 0.02, 0.05)),
        ]
    return tuple(Case(condition) for condition in cases)


# The same code in both arms.
ALIKE: Final = _alike()

# The same share of errors in both arms, at several heights. Alpha is promised up to there: it is about any increase.
EQUAL_ERRORS: Final = tuple(
    Case(Condition(f"errors {share:.2%} in both", schedule, phi=0.3, errors=share))
    for schedule in _SCHEDULES
    for share in (0.0005, 0.01, 0.04)
)

_LATENCY: Final = Harm(latency=1.05)
_HALVES: Final = Harm(latency=1.025, series={"service_cpu": 1.05, "service_memory": 1.15, "host_cpu": 1.125})
_LIMITS: Final = (
    ("median latency +5 %", "latency_p50", 0.3, _LATENCY),
    ("median latency +5 %, phi 0.6", "latency_p50", 0.6, _LATENCY),
    ("median latency +5 %, phi 0.9", "latency_p50", 0.9, _LATENCY),
    ("service CPU +10 %", "service_cpu", 0.3, Harm(series={"service_cpu": 1.10})),
    ("service memory +30 %", "service_memory", 0.3, Harm(series={"service_memory": 1.30})),
    ("four costs at half their margins", "joint_shift", 0.3, _HALVES),
)

# Harm exactly as large as is allowed: a fail must be rare there, and so must a pass.
AT_THE_MARGIN: Final = tuple(
    Case(Condition(name, schedule, phi=phi, harm=harm), metric=metric)
    for schedule in _SCHEDULES
    for name, metric, phi, harm in _LIMITS
)

_HARMS: Final = (
    *((f"median latency +{x} %", Harm(latency=1 + x / 100)) for x in (2, 5, 10, 20)),
    ("tail: 2 % of requests 10 times as slow", Harm(tail=(0.02, 10.0))),
    *((f"errors 0 -> {x} %", Harm(errors=x / 100)) for x in (0.5, 1, 3)),
    ("leak 1 MB/min", Harm(leak=1 * _MB)),
    ("service CPU +10 %", Harm(series={"service_cpu": 1.1})),
    ("service CPU +20 %", Harm(series={"service_cpu": 1.2})),
    ("wrong bodies 1 %", Harm(wrong=0.01)),
    ("nothing", Harm()),
)


def _harms() -> tuple[Case, ...]:
    cases = []
    for schedule in _SCHEDULES:
        cases += [Case(Condition(name, schedule, errors=0.0, harm=harm)) for name, harm in _HARMS]
        strict = Condition("leak 1 MB/min, margin 0.5 MB/min", schedule, errors=0.0, harm=Harm(leak=1 * _MB))
        cases.append(Case(strict, {"service_memory_growth": "0.5MB/min"}))
        for phi, x in ((0.3, 10), (0.3, 20), (0.6, 10), (0.6, 20)):
            name = f"median latency +{x} %, moods of 5 %, phi {phi:g}"
            harm = Harm(latency=1 + x / 100)
            cases.append(Case(Condition(name, schedule, phi=phi, errors=0.0, harm=harm)))
    return tuple(cases)


# Real harm of several kinds and sizes, and none.
HARMS: Final = _harms()

# A few, which are judged in every way there is.
LOOKED_AT: Final = tuple(
    Case(Condition(name, schedule, phi=0.3, harm=harm))
    for schedule in _SCHEDULES
    for name, harm in (("nothing", Harm()), ("latency +20 %, errors 1 %", Harm(latency=1.2, errors=0.01)))
)
