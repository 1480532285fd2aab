"""Each arm as the metrics need it, cleaned of impossible values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.evidence import Arm, usable
from pipeline.judge.metrics.blocks import MOST_BLOCKS, Blocks, BlockValues, cut, phase_of
from pipeline.judge.metrics.hits import Hits
from pipeline.judge.policy import Policy
from pipeline.judge.verdict import Summary

__all__ = ["LATENCY_QUANTILES", "ArmView", "Measured"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_T = TypeVar("_T")

# All quantiles of latency that any metric compares: taken together, they need one sorting.
LATENCY_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One statistic of one arm: over all samples, and in each block.

    Attributes:
        summary: over all samples.
        blocks: in each block.
        scatter: in each block, how far its samples lie from the median of all the arm's, on average; None where that
            is not looked at.
    """

    summary: Summary
    blocks: BlockValues
    scatter: BlockValues | None = None


_LEAST_SECONDS: Final = 1e-3  # no arm was measured for less; a rate over it would be no number


class ArmView:
    """An arm as the comparison sees it. Nothing of the arm is changed."""

    def __init__(self, arm: Arm, policy: Policy) -> None:
        self._arm = arm
        self._policy = policy
        self.seconds = arm.seconds if usable(arm.seconds) and arm.seconds > _LEAST_SECONDS else 0.0
        self._known = usable(arm.requests.t)
        self._t = arm.requests.t[self._known]
        self._status = arm.requests.status[self._known]
        self._body_ok = arm.requests.body_ok[self._known]
        self._levels: dict[str, list[Measured]] = {}
        self._remembered: dict[str, Any] = {}

    @cached_property
    def _right_status(self) -> Bools:
        """Answered to the end, with the right status."""
        right = (self._status >= 200) & (self._status < 400)
        expected = self._arm.requests.expected
        if len(expected) == len(self._known) > 0:
            right = expected[self._known]
        elif self._policy.expected_status:
            right = np.isin(self._status, self._policy.expected_status)
        whole: Bools = right & (self._error == "")
        return whole

    @property
    def _error(self) -> NDArray[np.str_]:
        error = self._arm.requests.error
        return error[self._known] if len(error) == len(self._known) else np.zeros(len(self._t), dtype=np.str_)

    @cached_property
    def unended(self) -> dict[str, int]:
        """How many answers began and did not end, by the loader's word for why."""
        kinds, counts = np.unique(self._error[(self._error != "") & (self._status > 0)], return_counts=True)
        return dict(zip(kinds.tolist(), counts.tolist(), strict=True))

    @cached_property
    def _good(self) -> Bools:
        """Answered with the right status, and a body that is right or was not checked."""
        latency = self._arm.requests.latency[self._known]
        good: Bools = self._right_status & (self._body_ok != 0) & usable(latency) & (latency >= 0)
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

    @cached_property
    def right(self) -> int:
        """Requests answered as the profile expects, whatever is known of the time that it took."""
        return int(np.count_nonzero(self._right_status & (self._body_ok != 0)))

    @cached_property
    def statuses(self) -> dict[int, int]:
        """How often each status came; 0 stands for no response."""
        values, counts = np.unique(self._status, return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    def bodies(self) -> Ints:
        """The fingerprints of the good responses' bodies; empty where bodies were not compared."""
        body = self._arm.requests.body
        if len(body) != len(self._known):
            return np.zeros(0, dtype=np.int64)
        good = body[self._known][self._good]
        return np.asarray(good[good != 0], dtype=np.int64)

    def errors(self) -> Hits:
        """Requests without a response or with a wrong status."""
        return self._by_second(~self._right_status)

    def wrong_bodies(self) -> Hits:
        """Wrong bodies of the bodies checked."""
        return self._by_second(self._body_ok == 0, (self._body_ok == 0) | (self._body_ok == 1))

    def slower(self, limit: float) -> Hits:
        """Good responses that took more than `limit` seconds, of all good ones."""
        latency = self._arm.requests.latency[self._known]
        return self._by_second(self._good & (latency > limit), self._good)

    def available(self) -> Hits:
        """Seconds with at least one good response, of the seconds in which a request was due."""
        good = self._by_second(self._good)
        return Hits(good.second, np.minimum(good.hits, 1.0), np.minimum(good.n, 1.0))

    def answers(self, status: int | None = None) -> Hits:
        """Answers with this status (None: with any) of all requests that were answered."""
        answered = self._status > 0
        return self._by_second(answered if status is None else self._status == status, answered)

    def share(self, hits: str, total: str) -> Hits | None:
        """Hits and totals of two series with the same times. None without samples."""
        (t, hit), (t_all, n) = self._series(hits), self._series(total)
        both, at, at_all = np.intersect1d(t, t_all, return_indices=True)
        if len(both) == 0:
            return None
        n = np.maximum(n[at_all], 0.0)
        step = float(np.median(np.diff(both))) if len(both) > 1 else 1.0
        return Hits(both, np.clip(hit[at], 0.0, n), n, step)

    def _by_second(self, hit: Bools, counted: Bools | None = None) -> Hits:
        n = np.ones(len(hit)) if counted is None else counted.astype(np.float64)
        second, index = self._seconds
        return Hits(second, _summed(index, hit, len(second)), _summed(index, n, len(second)))

    @cached_property
    def _seconds(self) -> tuple[Floats, Ints]:
        second, index = np.unique(np.floor(self._t), return_inverse=True)
        return second, index

    @cached_property
    def phase_starts(self) -> tuple[float, ...]:
        """Of each measured phase, seconds since the run's start."""
        return tuple(start for start in self._arm.phase_starts if usable(start))

    @property
    def seconds_measured(self) -> Floats:
        """The seconds, since the run's start, in which a request was due."""
        return self._seconds[0]

    def good_latencies(self) -> tuple[Floats, Floats]:
        """Of each good response when it was due and its latency, in seconds."""
        return self._t[self._good], self._arm.requests.latency[self._known][self._good]

    def remember(self, name: str, make: Callable[[], _T]) -> _T:
        """What `make` gives, computed once for all metrics that need it."""
        if name not in self._remembered:
            self._remembered[name] = make()
        found: _T = self._remembered[name]
        return found

    def median_latency(self) -> list[Measured]:
        """The median latency of the good responses in seconds, overall and in each block; [] without any."""
        if not self.good:
            return []
        values = self._arm.requests.latency[self._known][self._good]
        (medians,) = self.good_blocks.quantiles(values, (0.5,))
        return [Measured(_summary(float(np.median(values)), values), self.good_blocks.values(medians))]

    def sizes(self) -> list[Measured]:
        """The mean size of good responses in bytes; [] without any."""
        if not self.good:
            return []
        return [
            _mean_of(self._arm.requests.size.astype(np.float64)[self._known][self._good], self.good_blocks)
        ]

    @cached_property
    def good_blocks(self) -> Blocks:
        """The good responses by blocks of seconds."""
        return self._cut(self._t[self._good])

    def throughput(self) -> list[Measured]:
        """Good responses a second, by the block in which each was due."""
        if self.sent == 0 or self.seconds <= 0:
            return []
        # A block with samples missing would read as a lower rate, so more of them must be there than for other metrics.
        blocks = cut(self._t, self.phase_starts, self._policy.block_seconds, full=0.9)
        rates = blocks.sums(self._good.astype(np.float64)) / self._policy.block_seconds
        whole = self.good / self.seconds
        summary = _summary(whole, rates if len(rates) else np.asarray([whole]))
        return [
            Measured(
                summary,
                blocks.values(rates),
                scatter=blocks.values(np.abs(rates - np.median(rates)) if len(rates) else rates),
            )
        ]

    def level(self, name: str, requests: float = 0.0) -> list[Measured]:
        """The mean of a series, overall and in each block; [] without samples.

        With `requests` it is that of each block times requests / (the requests that were due in it).
        """
        if name not in self._levels:
            t, value = self._series(name)
            blocks = self._cut(t)
            self._levels[name] = []
            if len(value):
                factor = requests / self._due_in(blocks) if requests else np.ones(len(blocks))
                self._levels[name] = [_mean_of(value, blocks, factor)]
        return self._levels[name]

    def _due_in(self, blocks: Blocks) -> Floats:
        """How many requests were due in each block; NaN for none."""
        phase = phase_of(self._t, self.phase_starts)
        starts = np.asarray(self.phase_starts or (0.0,))
        number = np.floor((self._t - starts[phase]) / self._policy.block_seconds)
        inside = (number >= 0) & (number < MOST_BLOCKS)
        keys, counts = np.unique(
            phase[inside] * MOST_BLOCKS + number[inside].astype(np.int64), return_counts=True
        )
        wanted = blocks.phase * MOST_BLOCKS + blocks.number
        at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        if len(keys) == 0:
            return np.full(len(wanted), np.nan)
        return np.where(keys[at] == wanted, counts[at], np.nan)

    def events(self, name: str) -> Hits | None:
        """How much a counter rose, of the seconds watched; None with fewer than two samples.

        A counter that starts again at 0 loses nothing. Between phases it goes on counting, and so does this.
        """
        t, value = self._series(name)
        if len(value) < 2:
            return None
        second, index = np.unique(np.floor(t[1:]), return_inverse=True)
        rose, watched = np.maximum(np.diff(value), 0), np.diff(t)
        n = len(second)
        step = max(1.0, round(float(np.median(watched)), 1))
        return Hits(second, _summed(index, rose, n), _summed(index, watched, n), step=step, lead=1)

    def _series(self, name: str) -> tuple[Floats, Floats]:
        series = self._arm.series.get(name)
        if series is None:
            return np.zeros(0), np.zeros(0)
        known = usable(series.t) & usable(series.value)
        t, value = series.t[known], series.value[known]
        order = np.lexsort((value, t, phase_of(t, self.phase_starts)))
        return t[order], value[order]

    def _cut(self, t: Floats) -> Blocks:
        return cut(t, self.phase_starts, self._policy.block_seconds)


def _summed(index: Ints, values: Floats | Bools, length: int) -> Floats:
    return np.asarray(np.bincount(index, values, length), dtype=np.float64)


def _mean_of(values: Floats, blocks: Blocks, factor: Floats | float = 1.0) -> Measured:
    """The mean of at least one sample, that of each block times its factor."""
    moved = np.abs(values - np.median(values))
    return Measured(
        _summary(float(values.mean()), values),
        blocks.values(blocks.means(values) * factor),
        scatter=blocks.values(blocks.means(moved) * factor),
    )


def _summary(value: float, samples: Floats) -> Summary:
    low, middle, high = np.quantile(samples, (0.05, 0.5, 0.95)).tolist()
    return Summary(len(samples), value, middle, low, high)
