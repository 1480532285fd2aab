"""All alarms of our judge in tens of thousands of runs: bounds are computed only where an alarm is possible.

A lower bound never lies above the estimate. So a metric whose estimate stays clearly below its margin at every
look cannot fail, and neither can a share without clearly more hits than the baseline's. For the
levels that are left bounds are computed for many runs at once. Those that come near their margin are compared by the
judge's own code, which alone gives an alarm. `python -m bench.judge looks` shows that nothing is lost by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.judge.traffic import RATE
from pipeline.judge.decide import arm_pair, compare
from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.by_block import QUANTILES
from pipeline.judge.metrics.joint import COSTS
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.mean import MIN_BLOCKS, RANDOM_WALK_SHARE, WINDOWS, mean_bounds
from pipeline.judge.stats.random_walk import random_walk_bounds

__all__ = ["alarms"]

Floats = NDArray[np.float64]

_AT_ONCE: Final = 100  # runs
_CLEARLY: Final = (
    0.7  # of the margin: the estimates here are rough, for they count samples that the judge leaves out
)
_LIKELIHOOD: Final = 3.0  # the logarithm of the likelihood ratio below which no e-value reaches 1 / alpha


@dataclass(frozen=True, slots=True, eq=False)
class _Suspect:
    """A run's metric whose estimate came near its margin: differences of blocks, and where near begins."""

    run: int
    name: str
    d: Floats
    limit: float


def alarms(
    evidences: Iterable[Evidence], asked: Sequence[MetricRule], policy: Policy
) -> Iterator[tuple[Evidence, Mapping[str, float]]]:
    """Each run with the metrics that fail at any look, and the seconds of the canary's measurement at the first."""
    waiting = iter(evidences)
    while batch := list(islice(waiting, _AT_ONCE)):
        names: list[set[str]] = [set(_others(evidence, asked, policy)) for evidence in batch]
        suspects = [
            suspect
            for number, evidence in enumerate(batch)
            for suspect in _levels(number, evidence, asked, policy)
        ]
        alpha = policy.alpha / sum(rule.metric.share for rule in asked)
        for suspect, low in zip(suspects, _lowest(suspects, alpha, policy.beta), strict=True):
            if low > suspect.limit:
                names[suspect.run].add(suspect.name)
        for evidence, possible in zip(batch, names, strict=True):
            yield evidence, _failed(evidence, asked, policy, possible)


def _failed(
    evidence: Evidence, asked: Sequence[MetricRule], policy: Policy, possible: set[str]
) -> Mapping[str, float]:
    """What the judge's own comparison says of the metrics that may fail."""
    if not possible:
        return {}
    views = ArmView(evidence.baseline, policy), ArmView(evidence.canary, policy)
    found = {}
    for rule in asked:
        if rule.name not in possible:
            continue
        finding = compare(rule, asked, arm_pair(rule, asked, evidence, views, policy))
        shown = [harm.after for harm in finding.harms if harm.after is not None]
        if shown and finding.only_pass is None:
            found[rule.name] = min(shown)
    return found


def _levels(
    number: int, evidence: Evidence, asked: Sequence[MetricRule], policy: Policy
) -> Iterator[_Suspect]:
    margins = {rule.name: rule.limit.value for rule in asked}
    names, d = _moved(evidence, policy.block_seconds)
    limits = np.log1p(_CLEARLY * np.array([margins[name] for name in names]))
    for index in np.flatnonzero(_highest(d) > limits):
        yield _Suspect(number, names[index], d[index], float(limits[index]))
    costs = np.mean([d[names.index(name)] / np.log1p(margins[name]) for name in COSTS], axis=0)
    limit = _CLEARLY * margins["joint_shift"]
    # One version after the other, it is never judged without a calibration.
    if evidence.pairing == "time" and _highest(costs) > limit:
        yield _Suspect(number, "joint_shift", costs, limit)


def _lowest(suspects: Sequence[_Suspect], alpha: float, beta: float) -> Floats:
    """The highest lower bound of all looks and windows, of each."""
    if not suspects:
        return np.zeros(0)
    d = np.array([suspect.d for suspect in suspects])
    low = random_walk_bounds(d, alpha * RANDOM_WALK_SHARE, beta, planned=d.shape[1])[0].max(axis=1)
    for share, part in WINDOWS:
        late = d[:, math.ceil(share * d.shape[1]) :]
        bounds = mean_bounds(late, alpha * part, beta, planned=late.shape[1])
        low = np.maximum(low, bounds.low.max(axis=1))
    return np.asarray(low, dtype=np.float64)


def _others(evidence: Evidence, asked: Sequence[MetricRule], policy: Policy) -> Iterator[str]:
    margins = {rule.name: rule.limit.value for rule in asked}
    if _grows(evidence, margins["service_memory_growth"], policy.block_seconds):
        yield "service_memory_growth"
    yield from _shares(evidence)


def _moved(evidence: Evidence, seconds: float) -> tuple[list[str], Floats]:
    """The metrics' names, and as many rows: the logarithms of paired blocks' ratios, of each quantile one."""
    names, baseline = zip(*_columns(evidence.baseline, seconds), strict=True)
    _, canary = zip(*_columns(evidence.canary, seconds), strict=True)
    b, c = (np.log(np.maximum(np.array(columns), 1e-9)) for columns in (baseline, canary))
    d = c - b
    d[names.index("throughput")] *= -1
    return list(names), d


def _columns(arm: Arm, seconds: float) -> list[tuple[str, Floats]]:
    latency = np.sort(_blocks(arm.requests.latency, arm, seconds, RATE), axis=1)
    last = latency.shape[1] - 1
    columns = [
        (name, latency[:, round(q * last)])
        for name, qs in (("latency_p50", (0.5,)), ("latency_p99", (0.99,)), ("latency_quantiles", QUANTILES))
        for q in qs
    ]
    good = ((arm.requests.status == 200) & (arm.requests.body_ok != 0)).astype(np.float64)
    columns.append(("throughput", _blocks(good, arm, seconds, RATE).mean(axis=1)))
    columns += [
        (name, _blocks(series.value, arm, seconds, 1).mean(axis=1))
        for name, series in arm.series.items()
        if name != "service_restarts"
    ]
    return columns


def _blocks(values: Floats, arm: Arm, seconds: float, rate: int) -> Floats:
    """A row a block; the rest at a phase's end is left out."""
    phases = len(arm.phase_starts)
    each = round(seconds * rate)
    rows = values.reshape(phases, -1)
    whole = rows.shape[1] // each
    return rows[:, : whole * each].reshape(-1, each)


def _highest(d: Floats) -> Floats:
    """The largest mean of each row, from any window's beginning to any look."""
    highest = np.full(d.shape[:-1], -np.inf)
    for share, _ in WINDOWS:
        part = d[..., int(np.ceil(d.shape[-1] * share)) :]
        means = np.cumsum(part, axis=-1) / np.arange(1, part.shape[-1] + 1)
        highest = np.maximum(highest, means[..., MIN_BLOCKS - 1 :].max(axis=-1, initial=-np.inf))
    return highest


def _grows(evidence: Evidence, margin: float, seconds: float) -> bool:
    """Whether the slope of the memory's difference, in bytes a minute, comes near the margin in its later half."""
    b, c = (
        _blocks(arm.series["service_memory"].value, arm, seconds, 1).mean(axis=1) for arm in _arms(evidence)
    )
    d, k = c - b, np.arange(1, len(b) + 1, dtype=np.float64)
    x = k - 1
    mean_x, mean_d = np.cumsum(x) / k, np.cumsum(d) / k
    slope = (np.cumsum(x * d) - k * mean_x * mean_d) / np.maximum(np.cumsum(x * x) - k * mean_x**2, 1e-9)
    return bool(slope[len(d) // 2 - 1 :].max() * 60 / seconds > _CLEARLY * margin)


def _arms(evidence: Evidence) -> tuple[Arm, Arm]:
    return evidence.baseline, evidence.canary


def _shares(evidence: Evidence) -> Iterator[str]:
    b, c = evidence.baseline.requests, evidence.canary.requests
    if _more(evidence):
        yield "error_rate"
    if (c.body_ok == 0).any():
        yield "wrong_body_rate"
    if (np.bincount(c.status) > 0)[np.bincount(b.status, minlength=1000)[: c.status.max() + 1] == 0].any():
        yield "new_statuses"
    if ((c.status != 200) | (c.body_ok == 0)).reshape(-1, RATE).all(axis=1).any():
        yield "availability"


def _more(evidence: Evidence) -> bool:
    """Whether two shares of errors fit the counts at any second clearly better than a common one."""
    b, c = evidence.baseline.requests, evidence.canary.requests
    errors_b, errors_c = (
        np.cumsum((arm.status != 200).reshape(-1, RATE).sum(axis=1), dtype=np.float64) for arm in (b, c)
    )
    seen = np.searchsorted(b.t[RATE - 1 :: RATE], c.t[RATE - 1 :: RATE])
    n_b = np.asarray(seen * RATE, dtype=np.float64)
    n_c = np.arange(RATE, RATE * len(errors_c) + 1, RATE, dtype=np.float64)
    errors_b = np.concatenate((np.zeros(1), errors_b))[seen]
    fit = _fit(errors_c, n_c) + _fit(errors_b, n_b) - _fit(errors_c + errors_b, n_c + n_b)
    more = errors_c * np.maximum(n_b, 1) > errors_b * n_c
    return bool((fit[more] > _LIKELIHOOD).any())


def _fit(hits: Floats, n: Floats) -> Floats:
    """The logarithm of the likelihood of the counts at their own share."""
    return np.asarray(
        special.xlogy(hits, hits / np.maximum(n, 1)) + special.xlog1py(n - hits, -hits / np.maximum(n, 1))
    )
