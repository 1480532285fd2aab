"""The order of phases: which arm carries the load when, and what of it is judged."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Final

from pipeline.runs.phases import COLOURS, Phase

__all__ = ["SLICE_SECONDS", "baseline_alone", "concurrent", "interleaved", "phased"]

# A shared machine is a twentieth faster or slower within half a minute; what lasts longer than a slice cancels.
SLICE_SECONDS: Final = 6.0


def phased(duration: float, warmup: float) -> tuple[Phase, ...]:
    """All of the baseline, then all of the canary, each after its warm-up.

    >>> [(p.arm, p.kind, p.start, p.end) for p in phased(300, 20)][2:]
    [('canary', 'warmup', 320.0, 340.0), ('canary', 'measure', 340.0, 640.0)]
    """
    parts = (("warmup", warmup), ("measure", duration))
    return _lay([(arm, kind, seconds) for arm in COLOURS for kind, seconds in parts])


def baseline_alone(duration: float, warmup: float) -> tuple[Phase, ...]:
    """The baseline's part of `phased`.

    >>> [(p.arm, p.kind, p.start, p.end) for p in baseline_alone(45, 15)]
    [('baseline', 'warmup', 0.0, 15.0), ('baseline', 'measure', 15.0, 60.0)]
    """
    return _lay([("baseline", "warmup", warmup), ("baseline", "measure", duration)])


def interleaved(
    duration: float, warmup: float, *, slice_seconds: float = SLICE_SECONDS, settle: float = 1
) -> tuple[Phase, ...]:
    """Slices in the order ABBA, so that a drift of the machine falls on both arms alike.

    Both arms are warmed up first; whenever the load changes arms, it begins with `settle` seconds that are not
    judged, in which connections and caches of the arm that sat idle come back.

    >>> [p.arm[0] for p in interleaved(24, 5) if p.kind == "measure"]
    ['b', 'c', 'c', 'b', 'b', 'c', 'c', 'b']
    """
    per_arm = max(2, 2 * round(duration / slice_seconds / 2))
    length = duration / per_arm
    spans = [("baseline", "warmup", warmup), ("canary", "warmup", warmup)]
    for arm in islice(cycle(("baseline", "canary", "canary", "baseline")), 2 * per_arm):
        if arm != spans[-1][0]:
            spans.append((arm, "warmup", settle))
        spans.append((arm, "measure", length))
    return _lay(spans)


def concurrent(duration: float, warmup: float) -> tuple[Phase, ...]:
    """Both arms in the same seconds, after a warm-up of both: the proxy deals the requests by chance.

    >>> [(p.arm, p.kind, p.start, p.end) for p in concurrent(300, 20)][2:]
    [('baseline', 'measure', 20, 320), ('canary', 'measure', 20, 320)]
    """
    spans = (("warmup", 0.0, warmup), ("measure", warmup, warmup + duration))
    return tuple(
        Phase(arm, kind, round(start, 3), round(end, 3))
        for kind, start, end in spans
        for arm in COLOURS
        if end > start
    )


def _lay(spans: list[tuple[str, str, float]]) -> tuple[Phase, ...]:
    """The phases that follow each other: of each span its arm, its kind and its seconds; an empty one is left out."""
    phases, at = [], 0.0
    for arm, kind, seconds in spans:
        if seconds > 0:
            phases.append(Phase(arm, kind, round(at, 3), round(at + seconds, 3)))
            at += seconds
    return tuple(phases)
