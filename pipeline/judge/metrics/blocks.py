"""Blocks of seconds, and which block of the canary is compared with which of the baseline.

Samples of neighbouring seconds are alike. So a statistic is taken over blocks of seconds, and has one value a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_BLOCKS", "BlockValues", "Blocks", "Pairing", "Pairs", "cut", "pair", "phase_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pairing = Literal["age", "time"]

# Of a phase: 23 days in blocks of 2 s. What lies beyond is a broken time, not a sample.
MOST_BLOCKS: Final = 1_000_000
# Blocks are sorted as rows of a table while it has at most so many places for each sample.
_MOST_EMPTY: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class BlockValues:
    """One statistic of one arm, an entry a block; arrays of equal length, in any order.

    Attributes:
        phase: the index of the block's phase among the arm's measured phases, 0 for the first.
        number: the block's place within its phase, 0 for the one that begins with the phase.
        middle: seconds since the run's start; only the pairing "time" looks at it.
        value: the statistic; an entry that is not finite counts as a block that is missing.
    """

    phase: Ints
    number: Ints
    middle: Floats
    value: Floats


def phase_of(t: Floats, starts: tuple[float, ...]) -> Ints:
    """The index of the phase each time falls in; times before the first start belong to the first.

    >>> phase_of(np.array([5.0, 10, 25]), (10.0, 20.0)).tolist()
    [0, 0, 1]
    """
    edges = _edges(starts)
    if len(edges) == 0:
        return np.zeros(len(t), dtype=np.int64)
    return np.maximum(np.searchsorted(edges, t, side="right") - 1, 0).astype(np.int64)


def _edges(starts: tuple[float, ...]) -> Floats:
    """The phases' starts that are numbers, in order."""
    return np.sort(np.asarray([start for start in starts if np.isfinite(start)], dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Non-overlapping blocks of one arm, and which samples each holds.

    Attributes:
        phase, number, middle: of each block, as in BlockValues.
        member: indices of samples, block after block.
        begin: where in `member` each block's samples begin.
        size: how many samples each block has.
    """

    phase: Ints
    number: Ints
    middle: Floats
    member: Ints
    begin: Ints
    size: Ints

    def __len__(self) -> int:
        return len(self.phase)

    def values(self, value: Floats) -> BlockValues:
        """One value a block, ready to be paired."""
        return BlockValues(self.phase, self.number, self.middle, value)

    def sums(self, of: Floats) -> Floats:
        """Each block's sum of its samples in `of`."""
        return np.add.reduceat(self._sorted(of), self.begin) if len(self) else np.zeros(0)

    def means(self, of: Floats) -> Floats:
        """Each block's mean of its samples in `of`."""
        return self.sums(of) / self.size

    def quantiles(self, of: Floats, which: tuple[float, ...]) -> list[Floats]:
        """Each block's quantiles of its samples in `of` (linear between neighbours), a column for each of `which`."""
        values, last = self._sorted(of), self.size - 1
        columns = []
        for quantile in which:
            place = quantile * last
            below = np.floor(place).astype(np.int64)
            above = np.minimum(below + 1, last)
            part = place - below
            columns.append(values[self.begin + below] * (1 - part) + values[self.begin + above] * part)
        return columns

    def _sorted(self, of: Floats) -> Floats:
        """Samples block after block, each block's sorted by value, so that their order in time does not matter."""
        values, longest = of[self.member], int(self.size.max(initial=0))
        if longest * len(self) > _MOST_EMPTY * len(values):
            return values[np.lexsort((values, np.repeat(np.arange(len(self)), self.size)))]
        # A row a block, its end filled with what is sorted last: several times as fast.
        rows = np.full((len(self), longest), np.nan)
        filled = np.arange(longest) < self.size[:, None]
        rows[filled] = values
        rows.sort(axis=1)
        return rows[filled]


def cut(t: Floats, starts: tuple[float, ...], seconds: float, *, full: float = 0.5) -> Blocks:
    """Blocks of `seconds` from each phase's start on; without starts, from the first sample on.

    Left out are a block with fewer samples than `full` asks for, which is a hole, and a phase's last block when its
    samples do not reach its end, for it may not be over.

    Args:
        t: of each sample, finite seconds since the run's start, in any order.
        starts: of each phase, seconds since the run's start.
        seconds: how long a block is.
        full: the least share of the usual (median) number of samples that a block must have.
    """
    phase = phase_of(t, starts)
    edges = _edges(starts)
    if len(edges) == 0:
        edges = np.asarray([t.min() if len(t) else 0.0])
    number = np.floor((t - edges[phase]) / seconds)
    real = np.flatnonzero((number >= 0) & (number < MOST_BLOCKS))
    key = phase[real] * MOST_BLOCKS + number[real].astype(np.int64)
    order = np.argsort(key, kind="stable")
    key, member = key[order], real[order]
    if len(key) == 0:
        none = np.zeros(0, dtype=np.int64)
        return Blocks(none, none, np.zeros(0), none, none, none)
    begin = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1])
    size = np.diff(np.append(begin, len(key)))
    of_phase, place = key[begin] // MOST_BLOCKS, key[begin] % MOST_BLOCKS
    kept = size >= full * np.median(size)
    latest = np.maximum.reduceat(t[member], begin)
    ends = edges[of_phase] + (place + 1) * seconds
    last = np.append(np.diff(of_phase) != 0, [True])
    kept &= ~last | (latest > ends - _step(t[member]))
    member = member[np.repeat(kept, size)]
    size = size[kept]
    middle = ends[kept] - seconds / 2
    return Blocks(of_phase[kept], place[kept], middle, member, np.cumsum(size) - size, size)


def _step(t: Floats) -> float:
    """The usual time from one sample to the next, and a tenth: samples taken by a clock jitter."""
    steps = np.diff(np.sort(t, kind="stable"))  # most are in order, which makes that kind fast
    return 1.1 * float(np.median(steps)) if len(steps) else np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs in the order in which the canary's blocks were measured; arrays of equal length k >= 0.

    Attributes:
        t: seconds of the canary's measurement at the end of each pair's block.
        baseline, canary: the paired values.
        at_baseline, at_canary: their indices in what was given.
    """

    t: Floats
    baseline: Floats
    canary: Floats
    at_baseline: Ints
    at_canary: Ints

    def __len__(self) -> int:
        return len(self.t)


def pair(baseline: BlockValues, canary: BlockValues, pairing: Pairing, *, seconds: float) -> Pairs:
    """Pairs the blocks of two arms; a block whose partner is missing, or not there yet, is left out.

    The k-th measured phase of the canary goes with the k-th of the baseline, block by block from the phases' starts.
    In the phased schedule the blocks of a pair have the same age; in slices ordered ABBA each slice goes with the one
    next to it, and every slice once. Because the pairing goes by the phases' indices, what comes later never changes
    a pair that was made.

    Args:
        baseline, canary: the arms' blocks.
        pairing: with "time", phases that overlap (both versions measured at once) are paired by the clock instead.
        seconds: how long a block is.
    """
    b_known = np.flatnonzero(np.isfinite(baseline.value))
    c_known = np.flatnonzero(np.isfinite(canary.value))
    b_number, c_number = baseline.number[b_known], canary.number[c_known]
    b_phase, c_phase = baseline.phase[b_known], canary.phase[c_known]
    if pairing == "time":
        b_spans = _Spans(b_phase, b_number, baseline.middle[b_known], seconds)
        c_spans = _Spans(c_phase, c_number, canary.middle[c_known], seconds)
        b_number = b_number + b_spans.ahead_of(c_spans)
    longest = int(canary.number.max(initial=0)) + 1
    width = 2 * (longest + int(np.abs(b_number).max(initial=0)) + 1)
    _, b_at, c_at = np.intersect1d(
        b_phase * width + b_number, c_phase * width + c_number, assume_unique=True, return_indices=True
    )
    at_baseline, at_canary = b_known[b_at].astype(np.int64), c_known[c_at].astype(np.int64)
    before = canary.phase[at_canary] * longest + canary.number[at_canary]
    return Pairs(
        (before.astype(np.float64) + 1) * seconds,
        baseline.value[at_baseline],
        canary.value[at_canary],
        at_baseline,
        at_canary,
    )


class _Spans:
    """When each phase of an arm was measured, told from the middles of its blocks."""

    def __init__(self, phase: Ints, number: Ints, middle: Floats, seconds: float) -> None:
        self.phases, first, self.of_block = np.unique(phase, return_index=True, return_inverse=True)
        self.begin = middle[first] - number[first] * seconds
        self.earliest, self.latest = np.full(len(first), np.inf), np.full(len(first), -np.inf)
        np.minimum.at(self.earliest, self.of_block, middle)
        np.maximum.at(self.latest, self.of_block, middle)
        self.seconds = seconds

    def ahead_of(self, other: _Spans) -> Ints:
        """By how many blocks each block's phase began later than the other arm's, where both were under way at once."""
        _, own, its = np.intersect1d(self.phases, other.phases, assume_unique=True, return_indices=True)
        latest, earliest = (
            np.minimum(self.latest[own], other.latest[its]),
            np.maximum(self.earliest[own], other.earliest[its]),
        )
        later = np.rint((self.begin[own] - other.begin[its]) / self.seconds).astype(np.int64)
        blocks = np.zeros(len(self.phases), dtype=np.int64)
        blocks[own] = np.where(earliest - latest <= self.seconds / 2, later, 0)
        return blocks[self.of_block]
