"""One case many times: how often ours and the others find something, and after how many seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.judge.conditions import Case
from bench.judge.ours import rules
from bench.judge.peers import kayenta_first, kayenta_once, rank_first, seconds_of
from bench.judge.screening import alarms
from bench.judge.traffic import runs
from pipeline.judge import judge
from pipeline.judge.evidence import Evidence
from pipeline.judge.metrics.joint import COSTS
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision

__all__ = ["RANK_ALPHA", "STEP", "Result", "simulate"]

RANK_ALPHA = 0.01
STEP = 5  # seconds between two looks of Kayenta's: its exact rules at each second would take hours


@dataclass(slots=True)
class Result:
    """What was said of `n` runs of one case.

    Attributes:
        failed: how often each metric failed in ours.
        outcomes: ours at the end, of the first `judged` runs.
        passed: in how many the case's own metric was shown to be within its margin at the end.
        kayenta_plain, kayenta_sized: in how many Kayenta found something, without and with our margins.
        ours, kayenta_looks, rank_looks: the seconds of the canary's measurement at which each found something first.
    """

    n: int = 0
    judged: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    passed: int = 0
    kayenta_plain: int = 0
    kayenta_sized: int = 0
    ours: list[float] = field(default_factory=list)
    kayenta_looks: list[float] = field(default_factory=list)
    rank_looks: list[float] = field(default_factory=list)


def simulate(case: Case, pairs: int, seed: int, *, peers: bool = True, judged: int = 0) -> Result:
    """Simulates `pairs` runs of the case; the others look at them too with `peers`."""
    asked, policy, result = rules(case.thresholds), Policy(), Result(judged=min(judged, pairs))
    for evidence, failed in alarms(runs(case.condition, pairs, seed), asked, policy):
        result.n += 1
        result.failed.update(failed.keys())
        result.ours += [min(failed.values())] if failed else []
        if result.n <= judged:
            result.outcomes[judge(evidence, asked, policy).outcome.value] += 1
        result.passed += case.metric != "" and _passes(evidence, case.metric, asked, policy)
        if not peers:
            continue
        metrics = seconds_of(evidence)
        result.kayenta_plain += kayenta_once(metrics, sized=False)
        result.kayenta_sized += kayenta_once(metrics, sized=True)
        looked, ranked = kayenta_first(metrics, sized=True, step=STEP), rank_first(metrics, RANK_ALPHA)
        result.kayenta_looks += [] if looked is None else [float(looked)]
        result.rank_looks += [] if ranked is None else [float(ranked)]
    return result


def _passes(evidence: Evidence, name: str, asked: Sequence[MetricRule], policy: Policy) -> bool:
    """Judged without the other metrics, which only the joint one needs."""
    needed = {name, *(COSTS if name == "joint_shift" else ())}
    verdict = judge(evidence, [rule for rule in asked if rule.name in needed], policy)
    return any(metric.name == name and metric.decision is Decision.PASS for metric in verdict.metrics)
