"""The conditions that are simulated where the canary is no worse than is allowed: the same code, and exactly as bad."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from bench.judge.harm import Harm
from bench.judge.machine import Machine
from bench.judge.traffic import MEDIAN, SCHEDULES, Condition

__all__ = ["ALIKE", "AT_THE_MARGIN", "EQUAL_ERRORS", "SAME_CODE", "Case"]

_MB: Final = 1e6


@dataclass(frozen=True, slots=True)
class Case:
    """A condition and the thresholds, by metric, that differ from the default rules'.

    `metric` is the one whose harm lies exactly at its margin, where the case is about that. `spoilt` says how the
    samples are spoilt before they are judged (bench/judge/spoilt.py).
    """

    condition: Condition
    thresholds: dict[str, str] = field(default_factory=dict)
    metric: str = ""
    spoilt: str = ""

    @property
    def title(self) -> str:
        """Name and schedule, as the first cells of a row give them."""
        return f"{self.condition.name} | {self.condition.schedule}"


_MACHINES: Final = (
    ("independent", Machine()),
    ("heavy-tailed", Machine(heavy=True)),
    *((f"AR(1), phi {phi:g}", Machine(phi=phi)) for phi in (0.3, 0.6, 0.9)),
    *((f"drift {d:.0%}", Machine(phi=0.3, drift=d)) for d in (0.01, 0.02, 0.05)),
    *(
        (
            f"moods of {mood:.0%}, phi {phi:g}, half of them each host's own",
            Machine(phi=phi, mood=mood, own=0.5),
        )
        for mood in (0.05, 0.1)
        for phi in (0.9, 0.97, 0.99)
    ),
    ("pauses of 0.2 to 0.5 s", Machine(phi=0.3, pauses=True)),
    ("a job of 5 s every minute", Machine(phi=0.3, job=True)),
    ("outages of 2 s, 1 % of the time", Machine(phi=0.3, outages=0.01)),
)

# The same code in both arms.
ALIKE: Final = tuple(
    Case(Condition(name, schedule, machine)) for schedule in SCHEDULES for name, machine in _MACHINES
)

# The same share of errors in both arms, at several heights. Alpha is promised up to there: it is about any increase.
EQUAL_ERRORS: Final = tuple(
    Case(Condition(f"errors {share:.2%} in both", schedule, Machine(phi=0.3, errors=share)))
    for schedule in SCHEDULES
    for share in (0.0005, 0.01, 0.04)
)

_LATENCY: Final = Harm(latency=1.05)
_HALVES: Final = Harm(latency=1.025, series={"service_cpu": 1.05, "service_memory": 1.15, "host_cpu": 1.125})
# The latency that about 3 % (15 %) of the baseline's requests exceed: what lies above is scaled as one.
_P97: Final = MEDIAN * math.exp(0.3 * 1.88)
_P85: Final = MEDIAN * math.exp(0.3 * 1.04)
_LIMITS: Final[tuple[tuple[str, str, Machine, Harm, dict[str, str]], ...]] = (
    ("median latency +5 %", "latency_p50", Machine(phi=0.3), _LATENCY, {}),
    ("median latency +5 %, phi 0.6", "latency_p50", Machine(phi=0.6), _LATENCY, {}),
    ("median latency +5 %, phi 0.9", "latency_p50", Machine(phi=0.9), _LATENCY, {}),
    ("service CPU +10 %", "service_cpu", Machine(phi=0.3), Harm(series={"service_cpu": 1.10}), {}),
    ("service memory +30 %", "service_memory", Machine(phi=0.3), Harm(series={"service_memory": 1.30}), {}),
    ("four costs at half their margins", "joint_shift", Machine(phi=0.3), _HALVES, {}),
    ("p99 of latency x1.5", "latency_p99", Machine(phi=0.3), Harm(beyond=(_P97, 1.5)), {}),
    ("p90 and p95 of latency +25 %", "latency_quantiles", Machine(phi=0.3), Harm(beyond=(_P85, 1.25)), {}),
    ("p99 of latency x1.5, phi 0.9", "latency_p99", Machine(phi=0.9), Harm(beyond=(_P97, 1.5)), {}),
    ("0.3 % of requests 10 times as slow", "slow_requests", Machine(phi=0.3), Harm(tail=(0.003, 10)), {}),
    ("host CPU +25 %", "host_cpu", Machine(phi=0.3), Harm(series={"host_cpu": 1.25}), {}),
    # 32 MB, the floor, is 18 % of this baseline, so the margin is the percentage
    ("host memory +25 %", "host_memory", Machine(phi=0.3), Harm(series={"host_memory": 1.25}), {}),
    # a leak that goes on for minutes is more memory, too, and that is not what this row is about
    (
        "leak 10 MB/min",
        "service_memory_growth",
        Machine(phi=0.3),
        Harm(leak=10 * _MB),
        {"service_memory": "200%"},
    ),
    ("response size +20 %", "response_size", Machine(phi=0.3), Harm(size=1.2), {}),
    ("wrong bodies 0.2 %", "wrong_body_rate", Machine(phi=0.3), Harm(wrong=0.002), {}),
    ("errors 0 -> 0.2 %, a new status", "new_statuses", Machine(phi=0.3, errors=0.0), Harm(errors=0.002), {}),
    ("errors 0 -> 0.19 %", "error_rate", Machine(phi=0.3, errors=0.0), Harm(errors=0.0019), {}),
    ("errors 0.2 -> 0.39 %", "error_rate", Machine(phi=0.3), Harm(errors=0.0039), {}),
    ("errors 0.2 -> 0.5 %", "error_rate", Machine(phi=0.3), Harm(errors=0.005), {}),
)

# Harm exactly as large as is allowed (0.19 points of errors: less): a fail must be rare there, and so must a pass.
AT_THE_MARGIN: Final = tuple(
    Case(Condition(name, schedule, machine, harm=harm), dict(thresholds), metric=metric)
    for schedule in SCHEDULES
    for name, metric, machine, harm, thresholds in _LIMITS
)


def _same_code() -> tuple[Case, ...]:
    cases = []
    for schedule in SCHEDULES:
        for share in (0.0, 0.0005, 0.002, 0.01):
            machine = Machine(phi=0.3, errors=share)
            cases += [
                Condition(f"errors {share:.2%}", schedule, machine, seconds=seconds)
                for seconds in (30, 60, 120, 300)
            ]
        for own, whose in ((0.0, ""), (0.5, ", half of them each host's own")):
            moods = Machine(phi=0.9, own=own, errors=0.0)
            cases += [
                Condition(f"moods of 5 %, phi 0.9{whose}", schedule, moods, seconds=seconds)
                for seconds in (30, 60, 120)
            ]
        cases += [
            Condition("a job of 5 s every minute", schedule, Machine(phi=0.3, job=True), seconds=seconds)
            for seconds in (60, 300)
        ]
        outages = Machine(phi=0.3, outages=0.01)
        cases.append(Condition("outages of 2 s, 1 % of the time", schedule, outages))
    return tuple(Case(condition) for condition in cases)


# The same code in both arms, measured for several durations: it should pass.
SAME_CODE: Final = _same_code()
