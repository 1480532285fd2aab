"""One arm's hits by the second: of requests, of seconds, or of what two series count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hits"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Hits and their total by the second: columns of equal length in the order of time.

    Attributes:
        second: of each entry, since the run's start.
        hits: how many were hits in that second.
        n: how many could have been.
        step: seconds from one entry to the next; series that others have recorded have longer steps than ours.
        lead: how many steps were measured before the first entry.
    """

    second: Floats
    hits: Floats
    n: Floats
    step: float = 1.0
    lead: int = 0

    @property
    def total(self) -> int:
        """How many could have been hits."""
        return round(float(self.n.sum()))

    @property
    def count(self) -> int:
        """How many were."""
        return round(float(self.hits.sum()))

    @property
    def rate(self) -> float:
        """How many could have been, a second; the arm must have some."""
        return self.total / (len(self.second) * self.step)
