"""How long the windows were meant to be, and what a judgement may rest on for it.

The end's bounds are close because nobody chose it after having seen the data. So they are for a window whose length was
planned before it began and has been reached, and whose beginning does not move: asked again later, it is the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from pipeline.base.text import duration
from pipeline.base.units import parse_duration
from pipeline.series.window import Span

__all__ = ["UNKNOWN", "Ending", "Length", "Planned", "cut", "ending", "parse_planned"]

UNKNOWN: Final = "unknown"
_LONGEST: Final = 366 * 86_400.0


def parse_planned(value: object) -> float | Literal["unknown"]:
    """Seconds, or "unknown". Raises ValueError."""
    if isinstance(value, str) and value.strip() == UNKNOWN:
        return "unknown"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"a planned length is like 30m, or {UNKNOWN}")
    seconds = parse_duration(value)
    if not 1 <= seconds <= _LONGEST or seconds != round(seconds, 3):
        raise ValueError("a planned length is between 1s and a year")
    return seconds


Length = float | Literal["unknown"] | None
Planned = Annotated[float | Literal["unknown"], BeforeValidator(parse_planned)]


@dataclass(frozen=True, slots=True)
class Ending:
    """What the verdict may rest on.

    Attributes:
        planned: seconds for which the canary is to be measured; None: nobody has said.
        once: the samples are the whole measurement and this is the only look at them.
        said: the same for the reader of the verdict.
    """

    planned: float | None
    once: bool
    said: str


def cut(spans: Mapping[str, Span], planned: Length) -> dict[str, Span]:
    """The spans, none longer than planned: what comes after the end is no part of the measurement."""
    if not isinstance(planned, float):
        return dict(spans)
    return {
        arm: Span(span.start, min(span.end, round(span.start + planned, 3))) for arm, span in spans.items()
    }


def ending(seconds: float, planned: Length, *, whole: bool) -> Ending:
    """What a canary of so many seconds may be judged by.

    Args:
        seconds: how long the canary's window is.
        planned: as it was given.
        whole: without a plan, the samples are taken for all there will be (files), and not for those so far.
    """
    if isinstance(planned, float):
        over = duration(planned)
        if seconds >= planned:
            return Ending(
                planned, False, f"The planned {over} are over: judged at that end, with its closer bounds"
            )
        said = (
            f"{duration(seconds)} of the planned {over}: judged by bounds that hold at every look; the closer ones of "
            "the end come when it is reached"
        )
        return Ending(planned, False, said)
    if planned is None and whole:
        said = (
            "The files are taken for the whole measurement, judged once: files that grow and are judged until they "
            "pass need planned: (docs/prometheus.md)"
        )
        return Ending(None, True, said)
    return Ending(
        None,
        False,
        "Nobody said before how long the window would be: judged by bounds that hold at every look, so it may be asked "
        "again. A planned end has closer ones (--planned 30m, or planned: in the file)",
    )
