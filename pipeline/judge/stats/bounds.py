"""Bounds of one harm as the samples come in: what the statistics give and the comparison reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bounds", "LastLook"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LastLook:
    """What is known at the last look, as plain numbers; the names are those of Bounds.

    `high` is of that look alone, for a harm may begin late. `low` is the highest of all looks: it holds at all of
    them at once, so what was shown once stays shown.
    """

    estimate: float
    low: float
    high: float
    effective: float


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """A confidence sequence: an estimate and its two bounds at each of k >= 0 looks, in the order of time.

    All but `n` are of shape (k,) for one series, and of shape (..., k) for many series at once.

    Attributes:
        n: how much of the canary was seen by each look, shape (k,): blocks (means, slopes), requests (proportions)
            or seconds (events).
        estimate: the harm, positive is worse, in the unit that went in.
        low: with chance 1 - alpha the truth is at no look below it; -inf where nothing can be said yet.
        high: with chance 1 - beta the truth is at no look above it; inf where nothing can be said yet.
        effective: how many independent samples the evidence is worth.
    """

    n: Floats
    estimate: Floats
    low: Floats
    high: Floats
    effective: Floats

    @classmethod
    def without_looks(cls) -> Bounds:
        """Those of a series that nobody has looked at: k = 0."""
        none = np.zeros(0)
        return cls(none, none, none, none, none)

    def __len__(self) -> int:
        return len(self.n)

    def last(self) -> LastLook:
        """What is known at the last look, for the bounds of one series. Raises ValueError where there was no look."""
        if len(self) == 0:
            raise ValueError("bounds without a look have no last one")
        return LastLook(
            estimate=float(self.estimate[-1]),
            low=float(self.low.max()),
            high=float(self.high[-1]),
            effective=float(self.effective[-1]),
        )
