"""Samples of neighbouring seconds are alike; blocks of seconds are what a test may count as independent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "cut", "phase_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def phase_of(t: Floats, starts: tuple[float, ...]) -> Ints:
    """The index of the phase each time falls in; times before the first start belong to the first."""
    edges = np.sort(np.asarray([s for s in starts if np.isfinite(s)], dtype=np.float64))
    if len(edges) == 0:
        return np.zeros(len(t), dtype=np.int64)
    return np.maximum(np.searchsorted(edges, t, side="right") - 1, 0).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Non-overlapping blocks of one arm: for each its phase, its members and the time of its middle."""

    phase: Ints
    middle: Floats
    members: tuple[Ints, ...]

    def __len__(self) -> int:
        return len(self.members)

    def values(self, of: Floats, statistic: Callable[[Floats], float]) -> Floats:
        """`statistic` of each block's members in `of`."""
        return np.asarray([statistic(of[index]) for index in self.members], dtype=np.float64)


def cut(t: Floats, starts: tuple[float, ...], seconds: float, *, full: float = 0.5) -> Blocks:
    """Blocks of `seconds` from each phase's start on.

    A block with fewer than `full` of the usual (median) number of samples is left out: it is the rest at a
    phase's end, or a hole. Times must be finite.
    """
    if len(t) == 0:
        return Blocks(np.zeros(0, dtype=np.int64), np.zeros(0), ())
    phase = phase_of(t, starts)
    begin = np.full(int(phase.max()) + 1, np.inf)
    np.minimum.at(begin, phase, t)
    for index, start in enumerate(sorted(s for s in starts if np.isfinite(s))):
        if index < len(begin):
            begin[index] = min(begin[index], start)
    number = np.floor((t - begin[phase]) / seconds)
    order = np.lexsort((number, phase))
    fresh = np.flatnonzero((np.diff(phase[order]) != 0) | (np.diff(number[order]) != 0)) + 1
    groups = np.split(order.astype(np.int64), fresh)
    usual = float(np.median([len(group) for group in groups]))
    kept = tuple(group for group in groups if len(group) >= full * usual)
    first = np.asarray([group[0] for group in kept], dtype=np.int64)
    return Blocks(phase[first], begin[phase[first]] + (number[first] + 0.5) * seconds, kept)
