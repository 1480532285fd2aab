"""Bounds of one harm as the samples come in: what the statistics give and the comparison reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "Path"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """What is known at the last look. `high` is of that look alone: a harm may begin late; `low` is the
    highest of all looks, as time-uniform bounds may be, and `low_at` the look's index that gave it.
    """

    estimate: float
    low: float
    high: float
    effective: float
    low_at: int


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One entry a look, arrays of equal length k >= 0, in the order of time.

    - `n`: blocks (means, slopes) or requests (proportions) of the canary seen by then
    - `estimate`: the harm, positive is worse, in the unit that went in
    - `low`, `high`: the chance that the truth is ever, at any look, below `low` is at most alpha, and above
      `high` at most beta; -inf and inf where nothing can be said yet
    - `effective`: how many independent samples these are worth
    """

    n: Floats
    estimate: Floats
    low: Floats
    high: Floats
    effective: Floats

    def __len__(self) -> int:
        return len(self.n)

    def last(self) -> Interval | None:
        """The state at the last look; None where there was none."""
        if len(self) == 0:
            return None
        at = int(np.argmax(self.low))
        return Interval(
            float(self.estimate[-1]), float(self.low[at]), float(self.high[-1]), float(self.effective[-1]), at
        )
