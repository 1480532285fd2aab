"""The past of one version: both sides that are compared, in windows of equal length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.series.samples import Samples
from pipeline.series.window import Span

__all__ = ["History", "windows"]

_LEAST = 0.75  # of the samples that were due: a window with fewer has a hole, or the version was not there


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What is known of the past.

    Attributes:
        samples: by side (`baseline`, `canary`) and metric; both sides are of one version.
        span: from when to when.
        step: seconds from one sample to the next.
        at_once: the sides are two halves of a fleet at one time; else the canary's window follows the baseline's.
    """

    samples: Mapping[str, Mapping[str, Samples]]
    span: Span
    step: float
    at_once: bool

    def spans(self, begin: float, seconds: float) -> dict[str, Span]:
        """Both sides' windows, the canary's from `begin` on."""
        canary = Span(begin, begin + seconds)
        return {"baseline": canary if self.at_once else Span(begin - seconds, begin), "canary": canary}

    def within(self, arm: str, span: Span) -> dict[str, Samples]:
        """A side's samples of one window."""
        return {name: _cut(one, span) for name, one in self.samples[arm].items()}

    def covered(self, begin: float, seconds: float) -> bool:
        """Whether both sides have their samples in this window."""
        due = seconds / self.step
        for arm, span in self.spans(begin, seconds).items():
            most = max((len(one) for one in self.within(arm, span).values()), default=0)
            if most < _LEAST * due:
                return False
        return True


def windows(history: History, seconds: float, excluded: Sequence[Span]) -> tuple[list[float], int, int]:
    """Where the windows of the canary begin, which do not overlap; and how many were excluded, and had holes."""
    first = history.span.start + (0.0 if history.at_once else seconds)
    count = int((history.span.end - first) / seconds + 1e-9)
    kept, without, holes = list[float](), 0, 0
    for begin in (first + index * seconds for index in range(max(count, 0))):
        spans = history.spans(begin, seconds).values()
        if any(own.start < span.end and span.start < own.end for own in spans for span in excluded):
            without += 1
        elif not history.covered(begin, seconds):
            holes += 1
        else:
            kept.append(begin)
    return kept, without, holes


def _cut(samples: Samples, span: Span) -> Samples:
    """The samples within a span; each stands for the step that ends at its time."""
    first, last = np.searchsorted(samples.t, [span.start, span.end], side="right")
    total = samples.total[first:last] if samples.total is not None else None
    return replace(
        samples, t=samples.t[first:last], value=samples.value[first:last], total=total, missing=0, notes=()
    )
