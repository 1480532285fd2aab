"""The conditions that are simulated where the canary is worse than is allowed, or its samples cannot be true."""

from __future__ import annotations

from typing import Final

from bench.judge.conditions import Case
from bench.judge.harm import Harm, Spikes
from bench.judge.machine import Machine
from bench.judge.spoilt import SPOILT
from bench.judge.traffic import SCHEDULES, Condition

__all__ = ["HARMS", "HOSTILE", "LOOKED_AT", "MORE_ERRORS"]

_MB: Final = 1e6
_WITHOUT_ERRORS: Final = Machine(errors=0.0)

_HARMS: Final = (
    *((f"median latency +{x} %", Harm(latency=1 + x / 100)) for x in (2, 5, 10, 20)),
    *((f"latency x{x:g}", Harm(latency=x)) for x in (1.3, 1.5, 2, 10)),
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
    for schedule in SCHEDULES:
        cases += [Case(Condition(name, schedule, _WITHOUT_ERRORS, harm=harm)) for name, harm in _HARMS]
        leak = Harm(leak=1 * _MB)
        strict = Condition("leak 1 MB/min, margin 0.5 MB/min", schedule, _WITHOUT_ERRORS, harm=leak)
        cases.append(Case(strict, {"service_memory_growth": "0.5MB/min"}))
        for phi, x in ((0.3, 10), (0.3, 20), (0.6, 10), (0.6, 20), (0.9, 20)):
            name = f"median latency +{x} %, moods of 5 %, phi {phi:g}"
            moods, harm = Machine(phi=phi, errors=0.0), Harm(latency=1 + x / 100)
            cases.append(Case(Condition(name, schedule, moods, harm=harm)))
    return tuple(cases)


# Real harm of several kinds and sizes, and none.
HARMS: Final = _harms()

_MOODY: Final = Machine(phi=0.3)
# 95 % of the time three quarters of the baseline's, else 10.55 times: 24 % more in all, 14 % less geometrically.
_SPIKES: Final = Spikes(share=0.05, between=0.75, factor=10.55)
_HOSTILE: Final = (
    ("stands still for 1.0 s every 80 s", _MOODY, Harm(stall=(1.0, 80))),
    ("stands still for 0.65 s every 60 s", _MOODY, Harm(stall=(0.65, 60))),
    ("0.5 % of requests 20 times as slow", _MOODY, Harm(tail=(0.005, 20))),
    ("2 % of requests 8 times as slow", _MOODY, Harm(tail=(0.02, 8))),
    *(
        (f"{what}: same mean, {times} times the scatter", _MOODY, Harm(scatter={name: times}))
        for what, name in (("latency", "latency"), ("service CPU", "service_cpu"))
        for times in (2, 6, 10)
    ),
    ("service CPU +24 % in spikes", _MOODY, Harm(spikes=_SPIKES)),
    ("latency +30 % in the last 15 %", _MOODY, Harm(latency=1.3, during=(0.85, 1))),
    ("latency +30 % in the first third", _MOODY, Harm(latency=1.3, during=(0, 1 / 3))),
    ("leak 30 MB/min", _MOODY, Harm(leak=30 * _MB)),
    (
        "leak 30 MB/min under a saw-tooth of 20 MB",
        Machine(phi=0.3, saw_tooth=20 * _MB),
        Harm(leak=30 * _MB),
    ),
    ("a saw-tooth of 20 MB, no leak", Machine(phi=0.3, saw_tooth=20 * _MB), Harm()),
    ("errors 0 -> 0.19 %", Machine(phi=0.3, errors=0.0), Harm(errors=0.0019)),
    ("errors 0.2 -> 0.39 %", _MOODY, Harm(errors=0.0039)),
)

# What passed, or was not found, and must not pass; and what may: harm that is over, a saw-tooth, no more errors than
# are allowed.
HOSTILE: Final = (
    *(
        Case(Condition(name, schedule, machine, harm=harm))
        for schedule in SCHEDULES
        for name, machine, harm in _HOSTILE
    ),
    *(Case(Condition(name, schedule, _MOODY), spoilt=name) for schedule in SCHEDULES for name in SPOILT),
)

# Shares of errors before and after, of which the first is compared with Wald's bound.
MORE_ERRORS: Final = tuple(
    Case(
        Condition(
            f"{before:.1%} -> {after:.0%}", schedule, Machine(phi=0.3, errors=before), harm=Harm(errors=after)
        )
    )
    for before, after in ((0.01, 0.03), (0.002, 1.0))
    for schedule in SCHEDULES
)

# A few, which are judged at every look.
LOOKED_AT: Final = tuple(
    Case(Condition(name, schedule, _MOODY, harm=harm))
    for schedule in SCHEDULES
    for name, harm in (
        ("nothing", Harm()),
        ("latency +20 %, errors 1 %", Harm(latency=1.2, errors=0.01)),
        ("errors 10 %", Harm(errors=0.1)),
        ("service CPU +24 % in spikes", Harm(spikes=_SPIKES)),
    )
)
