"""Where one version has no samples for a long time while the other has: what is not seen may be what is bad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Kind, Metric
from pipeline.judge.evidence import Arm, Evidence, usable
from pipeline.judge.metrics.blocks import MOST_BLOCKS, phase_of
from pipeline.judge.metrics.finding import no_data
from pipeline.judge.policy import Policy
from pipeline.judge.words import amount

__all__ = ["gap"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# More than this share of an arm's own measured time must be missing: a busy machine misses a scrape now and then.
_MOST_MISSING: Final = 0.25
# And as many cells of time: below, a few seconds would be a large share of what was measured so far.
_FEWEST_CELLS: Final = 5
# A cell of time in which so many samples were due and none came is a hole, not chance (exp(-5) is under 1 %).
_DUE: Final = 5


def gap(metric: Metric, evidence: Evidence, policy: Policy) -> str | None:
    """What is missing in one arm, in words; None where neither lacks much that the other has.

    Time is cut into cells. The k-th cell of the canary's measured time answers to the k-th of the baseline's, as the
    blocks do that are compared, and each arm is held to its own measured time: a run that ended early lacks nothing.
    """
    arms: Mapping[str, Arm] = {"canary": evidence.canary, "baseline": evidence.baseline}
    times = {name: _times(metric, arm) for name, arm in arms.items()}
    width = _width(metric, arms, times, policy.block_seconds)
    cells = {name: _cells(t, arms[name].phase_starts, width) for name, t in times.items()}
    for name, arm in arms.items():
        other = "baseline" if name == "canary" else "canary"
        longest = max(int((one % MOST_BLOCKS).max(initial=-1)) for one in cells.values()) + 1
        due = _due(arm, width, longest)
        missing = np.setdiff1d(np.intersect1d(due, cells[other]), cells[name])
        if len(missing) < _FEWEST_CELLS or len(missing) <= _MOST_MISSING * len(due):
            continue
        if len(times[name]) == 0:
            return no_data(baseline=name == "canary", canary=name == "baseline").lacking
        where = "" if len(arm.phase_starts) > 1 else f" ({_span(missing, width)})"
        return (
            f"no samples of the {name} for {amount(len(missing) * width, 's')} of its {amount(arm.seconds, 's')}"
            f"{where} where the {other} has them: what is not seen may be what is bad"
        )
    return None


def _times(metric: Metric, arm: Arm) -> Floats:
    """When the metric was sampled in an arm."""
    if metric.requests:
        return arm.requests.t[usable(arm.requests.t)]
    times = []
    for name in (metric.series or metric.name, metric.total):
        if name:
            series = arm.series.get(name)
            if series is None:
                return np.zeros(0)
            times.append(series.t[usable(series.t) & usable(series.value)])
    return np.intersect1d(times[0], times[1]) if metric.kind is Kind.PROPORTION and metric.total else times[0]


def _width(metric: Metric, arms: Mapping[str, Arm], times: Mapping[str, Floats], block: float) -> float:
    """Seconds of a cell: a block, or as many blocks as it takes for some samples to be due in each."""
    apart = []
    for name, t in times.items():
        if len(t) > 1 and metric.requests:
            apart.append(_DUE * arms[name].seconds / len(t))
        elif len(t) > 1:
            apart.append(float(np.median(np.diff(np.sort(t, kind="stable")))))
    longest = max(apart, default=0.0)
    if not metric.requests and longest > block * (1 + 1e-6):
        longest *= 2
    return float(block * max(1.0, np.ceil(min(longest / block, MOST_BLOCKS) - 1e-6)))


def _cells(t: Floats, starts: tuple[float, ...], width: float) -> Ints:
    """The cells with a sample: the index of the phase times MOST_BLOCKS, plus the cell's place in the phase."""
    phase = phase_of(t, starts)
    edges = np.sort(np.asarray([start for start in starts if np.isfinite(start)] or [t.min(initial=np.inf)]))
    number = np.floor((t - edges[phase]) / width)
    real = (number >= 0) & (number < MOST_BLOCKS)
    return np.unique(phase[real] * MOST_BLOCKS + number[real].astype(np.int64))


def _due(arm: Arm, width: float, longest: int) -> Ints:
    """The cells that an arm's measured time should have filled; `longest` is how many a phase has at most."""
    if not usable(arm.seconds) or arm.seconds <= 0:
        return np.zeros(0, dtype=np.int64)
    whole = int(min(arm.seconds / width + 1e-6, MOST_BLOCKS))
    phases = len([start for start in arm.phase_starts if np.isfinite(start)])
    if phases <= 1:
        return np.arange(whole, dtype=np.int64)
    place = np.arange(min(whole, phases * longest), dtype=np.int64)
    return (place // max(longest, 1)) * MOST_BLOCKS + place % max(longest, 1)


def _span(missing: Ints, width: float) -> str:
    """From when to when, in seconds of the arm's measurement; of several holes the longest."""
    runs = np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1)
    longest = max(runs, key=len)
    said = f"from {longest[0] * width:,.0f} s to {(longest[-1] + 1) * width:,.0f} s"
    return said if len(runs) == 1 else f"the longest gap {said}"
