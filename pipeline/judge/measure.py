"""One arm, cleaned of impossible values and looked at in the ways the metrics need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.blocks import Blocks, cut, phase_of
from pipeline.judge.evidence import Arm
from pipeline.judge.rules import Policy
from pipeline.judge.statistics import Slope, slope_of
from pipeline.judge.verdict import Summary

__all__ = ["ArmView", "Growth", "Level", "Share"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Beyond this a number is a broken sample (a petabyte, thirty thousand years), and sums of squares overflow.
_LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    n: int

    def summary(self) -> Summary:
        """The share as the compared value."""
        return Summary(self.n, self.hits / self.n if self.n else None)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """What is compared, and its value in each block."""

    value: float
    summary: Summary
    blocks: Floats


@dataclass(frozen=True, slots=True)
class Growth:
    """A trend: its slope (None where too short for one), from how many blocks, and the gain in all phases."""

    summary: Summary
    slope: Slope | None
    blocks: int
    total: float


def _sane(values: Floats) -> Bools:
    return np.isfinite(values) & (np.abs(values) < _LARGEST)


def _level(value: float, samples: Floats, blocks: Floats) -> Level:
    low, middle, high = np.quantile(samples, (0.05, 0.5, 0.95))
    return Level(value, Summary(len(samples), value, float(middle), float(low), float(high)), blocks)


class ArmView:
    """An arm as the comparison sees it. Nothing of the arm is changed."""

    def __init__(self, arm: Arm, policy: Policy) -> None:
        self._arm = arm
        self._policy = policy
        self.seconds = arm.seconds if np.isfinite(arm.seconds) and 0 < arm.seconds < _LARGEST else 0.0
        self._known = _sane(arm.requests.t)
        self._t = arm.requests.t[self._known]

    @cached_property
    def _status(self) -> NDArray[np.int64]:
        return self._arm.requests.status[self._known]

    @cached_property
    def _right_status(self) -> Bools:
        if self._policy.expected_status:
            right: Bools = np.isin(self._status, self._policy.expected_status)
            return right
        return (self._status >= 200) & (self._status < 400)

    @cached_property
    def _good(self) -> Bools:
        """Answered with the right status, and a body that is right or was not checked."""
        latency = self._arm.requests.latency[self._known]
        body_ok = self._arm.requests.body_ok[self._known]
        good: Bools = self._right_status & (body_ok != 0) & _sane(latency) & (latency >= 0)
        return good

    @property
    def sent(self) -> int:
        """Requests meant to be sent."""
        return len(self._t)

    @cached_property
    def answered(self) -> int:
        """Requests with any response at all."""
        return int(np.count_nonzero(self._status > 0))

    @cached_property
    def good(self) -> int:
        """Requests answered as the profile expects."""
        return int(np.count_nonzero(self._good))

    def statuses(self) -> dict[int, int]:
        """How often each status came; 0 stands for no response."""
        values, counts = np.unique(self._status, return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    def errors(self) -> Share:
        """Requests without a response or with a wrong status."""
        return Share(int(np.count_nonzero(~self._right_status)), self.sent)

    def wrong_bodies(self) -> Share:
        """Wrong bodies of the bodies checked."""
        body_ok = self._arm.requests.body_ok[self._known]
        return Share(
            int(np.count_nonzero(body_ok == 0)), int(np.count_nonzero((body_ok == 0) | (body_ok == 1)))
        )

    def available(self) -> Share:
        """Seconds with at least one good response, of the seconds in which a request was due."""
        second = np.floor(self._t)
        return Share(len(np.unique(second[self._good])), len(np.unique(second)))

    def latency(self, quantile: float) -> Level | None:
        """The quantile of the good responses' latency in seconds, overall and in each block."""
        return self._of_good(self._arm.requests.latency[self._known], quantile)

    def size(self) -> Level | None:
        """The median size of good responses in bytes."""
        return self._of_good(self._arm.requests.size[self._known].astype(np.float64), 0.5)

    def _of_good(self, column: Floats, quantile: float) -> Level | None:
        values, t = column[self._good], self._t[self._good]
        if len(values) == 0:
            return None
        blocks = self._cut(t).values(values, lambda block: float(np.quantile(block, quantile)))
        return _level(float(np.quantile(values, quantile)), values, blocks)

    def throughput(self) -> Level | None:
        """Good responses a second, by the second in which each was due."""
        if self.sent == 0 or self.seconds <= 0:
            return None
        # A block that is not whole would read as a lower rate, so the bar is higher than for other metrics.
        blocks = cut(self._t, self._arm.phase_starts, self._policy.block_seconds, full=0.9)
        rates = blocks.values(self._good.astype(np.float64), lambda block: float(block.sum()))
        rates /= self._policy.block_seconds
        return _level(self.good / self.seconds, rates, rates) if len(rates) else None

    def level(self, name: str) -> Level | None:
        """The mean of a series, overall and in each block. None without samples."""
        t, value = self._series(name)
        if len(value) == 0:
            return None
        blocks = self._cut(t).values(value, lambda block: float(block.mean()))
        return _level(float(blocks.mean()), value, blocks)

    def events(self, name: str) -> Share | None:
        """How often a counter rose, over its samples; a counter that starts again at 0 loses nothing."""
        _, value = self._series(name)
        if len(value) < 2:
            return None
        return Share(round(float(np.maximum(np.diff(value), 0).sum())), len(value))

    def growth(self, name: str) -> Growth | None:
        """The trend of a series within phases: the lower of the whole phases' slope and their second halves'.

        Code that warms up rises and then flattens; a leak goes on. None without samples.
        """
        t, value = self._series(name)
        if len(value) == 0:
            return None
        blocks = self._cut(t)
        means = blocks.values(value, lambda block: float(block.mean()))
        phases = [
            (blocks.middle[blocks.phase == p], means[blocks.phase == p]) for p in np.unique(blocks.phase)
        ]
        whole = slope_of(phases)
        late = slope_of([(x[len(x) // 2 :], y[len(y) // 2 :]) for x, y in phases])
        slope = min((s for s in (whole, late) if s is not None), key=lambda s: s.value, default=None)
        total = float(sum(y[-1] - y[0] for _, y in phases if len(y) > 1))
        return Growth(Summary(len(value), slope.value * 60 if slope else None), slope, len(blocks), total)

    def _series(self, name: str) -> tuple[Floats, Floats]:
        series = self._arm.series.get(name)
        if series is None:
            return np.zeros(0), np.zeros(0)
        usable = _sane(series.t) & _sane(series.value)
        t, value = series.t[usable], series.value[usable]
        order = np.lexsort((t, phase_of(t, self._arm.phase_starts)))
        return t[order], value[order]

    def _cut(self, t: Floats) -> Blocks:
        return cut(t, self._arm.phase_starts, self._policy.block_seconds)
