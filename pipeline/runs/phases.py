"""A phase: a span of load on one arm, where each arm runs, and the schedules, which are orders of phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["ANSWER_SECONDS", "COLOURS", "EVEN_SHARE", "SCHEDULES", "Phase", "under_way"]

COLOURS: Final[Mapping[str, str]] = MappingProxyType({"baseline": "blue", "canary": "green"})
# All of the baseline, then all of the canary; in turns; both in the same seconds, each request by chance.
SCHEDULES: Final = ("phased", "interleaved", "concurrent")
# What the canary gets of the requests when both are measured at once, unless it is asked for otherwise.
EVEN_SHARE: Final = 0.5
# For so long the loader waits for an answer: longer than HAProxy, so that what the service delays is HAProxy's 504 and
# has a colour.
ANSWER_SECONDS: Final = 5.0


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


def under_way(phases: Sequence[Phase], at: float) -> tuple[Phase, ...]:
    """The phases at second `at` of the run, two where both arms carry load at once; after the end, the last ones."""
    end = min((phase.end for phase in phases if at < phase.end), default=max(phase.end for phase in phases))
    return tuple(phase for phase in phases if phase.end == end)
