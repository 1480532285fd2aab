"""One metric's samples of one version, whatever they came from, and how counters become counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.evidence import usable
from pipeline.series.asked import Question

__all__ = ["Samples", "events", "level", "proportion", "rises", "whole"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Times in seconds and what was seen there; arrays of equal length, times ascending, values finite.

    Attributes:
        value: a level's or trend's value; for a count the events, for a proportion the hits since the sample before.
        total: of how many those hits are; None for other kinds.
        missing: samples that were there but held no number (NaN, infinite, empty, 1e15 and beyond).
        notes: what a reader of the verdict should know.
        incomplete: the server's own words, where it says that these are not all.
        asked: the queries that gave these, and how much each gave.
    """

    t: Floats
    value: Floats
    total: Floats | None = None
    missing: int = 0
    notes: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    asked: tuple[Question, ...] = ()

    def __len__(self) -> int:
        return len(self.t)


def rises(t: Floats, value: Floats, *, appeared: bool) -> tuple[Floats, Floats]:
    """How much one counter rose at each of its samples after the first; where it fell, it began again at 0.

    `appeared`: it was not there before, so all of its first value has happened since.

    >>> rises(np.array([0.0, 1, 2]), np.array([5.0, 7, 3]), appeared=False)[1].tolist()
    [2.0, 3.0]
    """
    if len(value) == 0:
        return t, value
    steps = np.diff(value)
    rise = np.where(steps >= 0, steps, value[1:])
    return (t, np.concatenate([value[:1], rise])) if appeared else (t[1:], rise)


def whole(columns: Sequence[Floats]) -> list[Floats]:
    """Fractional counts as whole ones: what is cut off one is carried to the next, so sums stay true.

    Of a pair (hits, total) no entry has more hits than its total.

    >>> [column.tolist() for column in whole([np.array([0.4, 0.4, 0.4, 0.4]), np.array([1.5, 1.5, 1.5, 1.5])])]
    [[0.0, 1.0, 0.0, 1.0], [2.0, 1.0, 2.0, 1.0]]
    """
    rounded = [np.diff(np.floor(np.cumsum(column) + 0.5), prepend=0.0) for column in columns]
    if len(columns) == 2 and np.any(rounded[0] > rounded[1]):
        hits, total = rounded
        carry = 0.0
        for i in range(len(hits)):
            due = hits[i] + carry
            hits[i] = min(due, total[i])
            carry = due - hits[i]
    return rounded


def proportion(
    hits: tuple[Floats, Floats], total: tuple[Floats, Floats], *, zero: bool, counted: bool
) -> Samples:
    """Hits joined to their totals by time. `zero`: a total without hits beside it has none; else it is missing.

    `counted`: these are rises of counters already. Raises ValueError when they cannot be such counts.
    """
    t, n = total
    known = usable(n)
    lost = int(np.count_nonzero(~known))
    t, n = t[known], n[known]
    hit = np.full(len(t), 0.0 if zero else np.nan)
    _, at, of = np.intersect1d(t, hits[0], assume_unique=True, return_indices=True)
    hit[at] = hits[1][of]
    kept = usable(hit)
    missing = lost + int(np.count_nonzero(~kept))
    t, n, hit = t[kept], n[kept], hit[kept]
    if np.any(n < 0) or np.any(hit < 0):
        raise ValueError("a count is below zero")
    if not counted and _looks_like_a_counter(n):
        raise ValueError("the total goes on rising, as a counter does: write counters: true")
    if hit.sum() > n.sum() * (1 + 1e-6) + 0.5:
        raise ValueError(f"{hit.sum():.6g} hits are more than their total, {n.sum():.6g}")
    hit, n = whole([hit, n])
    return Samples(t, hit, n, missing)


def _looks_like_a_counter(value: Floats) -> bool:
    """Whether it rises and hardly ever falls; counts of single steps fall about as often as they rise."""
    steps = np.diff(value)
    rises, falls = np.count_nonzero(steps > 0), np.count_nonzero(steps < 0)
    return bool(rises >= 6 and 20 * falls <= rises)


def level(t: Floats, value: Floats) -> Samples:
    """The samples that are numbers."""
    known = usable(value)
    return Samples(t[known], value[known], missing=int(np.count_nonzero(~known)))


def events(t: Floats, value: Floats) -> Samples:
    """Counts for each step. Raises ValueError when they cannot be."""
    known = usable(value)
    if np.any(value[known] < 0):
        raise ValueError("a count is below zero")
    return Samples(t[known], whole([value[known]])[0], missing=int(np.count_nonzero(~known)))
