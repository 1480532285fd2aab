"""A phase: a span of load on one arm, and where each arm runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["COLOURS", "Phase"]

COLOURS: Final[Mapping[str, str]] = MappingProxyType({"baseline": "blue", "canary": "green"})


@dataclass(frozen=True, slots=True)
class Phase:
    """A span of load on one arm, `start` <= t < `end` in seconds since the run's start.

    `arm` is baseline or canary, `kind` is warmup or measure. A warm-up is not judged.
    """

    arm: str
    kind: str
    start: float
    end: float

    @property
    def colour(self) -> str:
        """Where this arm runs: blue carries the baseline, green the canary."""
        return COLOURS[self.arm]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start

    def to_dict(self) -> dict[str, object]:
        """As written in run.json."""
        return asdict(self)
