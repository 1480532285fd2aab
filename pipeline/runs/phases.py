"""A phase: a span of load on one arm, and where each arm runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import cycle, islice

__all__ = ['COLOURS', 'Phase']

COLOURS = {"baseline": "blue", "canary": "green"}


@dataclass(frozen=True, slots=True)
class Phase:
    """A span of load on one arm: seconds since the run's start. A warm-up is not judged."""

    arm: str
    kind: str
    start: float
    end: float

    @property
    def colour(self) -> str:
        """Where this arm runs: blue carries the baseline, green the canary."""
        return COLOURS[self.arm]

    def to_dict(self) -> dict[str, object]:
        """As written in run.json."""
        return asdict(self)
