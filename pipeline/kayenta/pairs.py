"""Both versions' series of one metric, paired by their labels as Kayenta pairs them (MetricSetMixerService)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.series.prometheus import LabelledSeries

__all__ = ["Side", "SidePair", "pairs"]

Floats = NDArray[np.float64]
_Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One version's part of a pair: a series, or as many NaN as Kayenta takes where there is none."""

    series: LabelledSeries | None
    padding: int = 0

    def values(self) -> Floats:
        """What Kayenta's judge gets: what is missing within a series is missing there, too. No infinity."""
        if self.series is None:
            return np.full(self.padding, np.nan)
        return np.where(np.isfinite(self.series.value), self.series.value, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class SidePair:
    """Two series that are compared; `tags` are the labels they have in common."""

    tags: Mapping[str, str]
    baseline: Side
    canary: Side


def pairs(
    baseline: Sequence[LabelledSeries], canary: Sequence[LabelledSeries], steps: tuple[int, int]
) -> tuple[SidePair, ...]:
    """The pairs that two answers make; `steps` is how many each version's window has.

    Raises ValueError when the labels of the one have other names than those of the other.
    """
    keys = [{name for one in side for name in _tags(one)} for side in (baseline, canary)]
    if all(keys) and keys[0] != keys[1]:
        told = [", ".join(sorted(names))[:200] for names in keys]
        raise ValueError(
            f"its series have the labels {told[0]} in the baseline and {told[1]} in the canary, so they make no pairs"
        )
    absent = [
        Side(None, _expected(side, count)) for side, count in zip((baseline, canary), steps, strict=True)
    ]
    sides = [_by_tags(baseline, absent[0]), _by_tags(canary, absent[1])]
    bare = [() in side for side in sides]
    if bare[0] != bare[1]:
        # A version without labels has nothing beside each of the other's series, whatever else it has.
        sides[bare.index(True)] = {}
    return tuple(
        SidePair(dict(tags), *(side.get(tags, none) for side, none in zip(sides, absent, strict=True)))
        for tags in dict.fromkeys([*sides[0], *sides[1]])
    )


def _by_tags(side: Sequence[LabelledSeries], absent: Side) -> dict[_Tags, Side]:
    """A version's series by their labels; without any, one that is not there."""
    found: dict[_Tags, Side] = {}
    for one in side:
        found.setdefault(tuple(sorted(_tags(one).items())), Side(one))
    return found or {(): absent}


def _tags(series: LabelledSeries) -> dict[str, str]:
    return {name: value for name, value in series.labels.items() if name != "__name__"}


def _expected(side: Sequence[LabelledSeries], steps: int) -> int:
    """How many samples Kayenta expects of a series that is not there: as many as the version's first one has."""
    if not side:
        return steps
    count = len(side[0].t)
    return count if count > 1 else 0  # from one sample alone it knows no step
