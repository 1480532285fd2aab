"""Mixes: how often a request fails by itself though it is no worse, and how soon the one that is slower is named.

    python -m bench.judge.mix --runs 200 --seed 7             # eight and twenty requests, the same code
    python -m bench.judge.mix --runs 100 --seed 7 --slower 1.3

The machines are those of bench/judge/conditions.py, 50 requests a second, two minutes on each version. Requests are of
different weight, and have latencies of their own: the slowest takes four times as long as the quickest.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bench.judge.machine import Machine
from bench.judge.traffic import SCHEDULES, Condition, run
from loadgen.mix import Mix
from loadgen.request import Kind
from loadgen.template import Template
from pipeline.judge import judge
from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.policy import Policy
from pipeline.judge.rules import default_rules
from pipeline.judge.verdict import Decision

__all__ = ["mixed"]

_SECONDS: Final = 120
_MACHINES: Final = (
    ("independent", Machine()),
    ("heavy-tailed", Machine(heavy=True)),
    ("AR(1), phi 0.6", Machine(phi=0.6)),
    ("AR(1), phi 0.9", Machine(phi=0.9)),
    ("pauses of 0.2 to 0.5 s", Machine(phi=0.3, pauses=True)),
    ("a job of 5 s every minute", Machine(phi=0.3, job=True)),
)
_SLOWER: Final = 3  # which of the requests is made slower


@dataclass(frozen=True, slots=True)
class _Job:
    condition: Condition
    requests: int
    slower: float
    seed: int
    number: int


@dataclass(frozen=True, slots=True)
class _Said:
    """Which requests failed by themselves, whether all together did, and when the slower one was named (seconds)."""

    failed: tuple[str, ...]
    whole: tuple[str, ...]
    named_after: float | None
    outcome: str


def weights(requests: int) -> list[float]:
    """From 4 down to 1, so that the heaviest comes four times as often as the rarest."""
    return [float(weight) for weight in np.linspace(4, 1, requests)]


def mixed(evidence: Evidence, requests: int, slower: float = 1.0) -> Evidence:
    """The same runs, each request one of so many, of which one is slower on the canary."""
    names = [f"r{number}" for number in range(requests)]
    parts = weights(requests)
    templates = [Template(Kind(name), weight, "http://h/") for name, weight in zip(names, parts, strict=True)]
    drawn = Mix(templates, {}, 1).requests()
    factor = dict(zip(names, np.geomspace(0.5, 2.0, requests).tolist(), strict=True))

    def of(arm: Arm, harm: float) -> Arm:
        rows = arm.requests
        request = np.asarray([next(drawn).kind.name for _ in rows.t], dtype=np.str_)
        times = np.asarray([factor[name] for name in request.tolist()])
        times = np.where(request == names[_SLOWER], times * harm, times)
        return replace(arm, requests=replace(rows, latency=rows.latency * times, request=request))

    total = sum(parts)
    return replace(
        evidence,
        baseline=of(evidence.baseline, 1.0),
        canary=of(evidence.canary, slower),
        weights={name: weight / total for name, weight in zip(names, parts, strict=True)},
    )


def _say(job: _Job) -> _Said:
    evidence = mixed(run(job.condition, job.seed, job.number), job.requests, job.slower)
    verdict = judge(evidence, default_rules(), Policy())
    failed = [m for m in verdict.by_request if m.decision is Decision.FAIL]
    wanted = [m.decided_after or evidence.canary.seconds for m in failed if m.request == f"r{_SLOWER}"]
    return _Said(
        tuple(f"{m.name}" for m in failed),
        tuple(m.name for m in verdict.metrics if m.decision is Decision.FAIL and not m.request),
        min(wanted, default=None),
        verdict.outcome.value,
    )


def _row(title: str, requests: int, said: Sequence[_Said], slower: float) -> str:
    n = len(said)
    right = f"r{_SLOWER}" if slower > 1 else ""
    others = [[name for name in one.failed if not right or f"[{right}]" not in name] for one in said]
    wrong = sum(bool(names) for names in others)
    which = Counter(name.partition("[")[0] for names in others for name in names).most_common(3)
    cells = [
        title,
        str(requests),
        f"{wrong}/{n}",
        f"{sum(bool(one.whole) for one in said)}/{n}",
        ", ".join(f"{name} {count}" for name, count in which),
    ]
    if slower > 1:
        after = sorted(one.named_after for one in said if one.named_after is not None)
        middle = f"{after[len(after) // 2]:.0f} s" if after else ""
        cells += [f"{len(after)}/{n}", middle, f"{sum(one.outcome == 'failed' for one in said)}/{n}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slower", type=float, default=1.0, help="what the latency of one request is times")
    parser.add_argument("--requests", type=int, nargs="*", default=[8, 20])
    parser.add_argument("--schedule", nargs="*", default=list(SCHEDULES))
    parser.add_argument("--machine", type=int, nargs="*", default=list(range(len(_MACHINES))))
    given = parser.parse_args()
    more = "named | after, median | run failed |" if given.slower > 1 else ""
    print(f"| machine, schedule | requests | one that is no worse fails | all together fail | which | {more}")
    for schedule in given.schedule:
        for name, machine in (_MACHINES[number] for number in given.machine):
            seconds = _SECONDS // 2 if schedule == "concurrent" else _SECONDS
            condition = Condition(name, schedule, machine, seconds)
            for requests in given.requests:
                jobs = [_Job(condition, requests, given.slower, given.seed, at) for at in range(given.runs)]
                said = [_say(job) for job in jobs]
                print(_row(f"{name}, {schedule}", requests, said, given.slower), flush=True)


if __name__ == "__main__":
    main()
