"""When each version is looked at: instants as people write them, and the spans they make."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipeline.base.units import parse_duration

__all__ = ["Span", "SpanConfig", "Step", "WindowConfig", "moves", "parse_instant"]

_RELATIVE: Final = re.compile(r"(?:now)?\s*-\s*(\S+)", re.ASCII)
_LATEST: Final = 4_102_444_800.0  # the year 2100: what lies beyond is a slip


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`, Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


def parse_instant(text: str, now: float) -> float:
    """Unix seconds of "now", "-30m", "now-30m", or an RFC 3339 time with its zone. Raises ValueError.

    >>> parse_instant("-1.5m", 1000.0), parse_instant("1970-01-01T00:01:00Z", 0)
    (910.0, 60.0)
    """
    plain = text.strip()
    if plain == "now":
        return now
    if match := _RELATIVE.fullmatch(plain):
        return now - parse_duration(match[1])
    try:
        moment = datetime.fromisoformat(plain)
        known = moment.tzinfo is not None
        seconds = moment.timestamp() if known else 0.0
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:60]!r} is not a time: write it like 2026-01-31T10:00:00Z, -30m or now"
        ) from None
    if not known:
        raise ValueError(f"{text[:60]!r} has no zone: end it with Z (UTC) or an offset such as +01:00")
    if not 0 <= seconds <= _LATEST:
        raise ValueError(f"{text[:60]!r} is before 1970 or after 2100")
    return seconds


def moves(text: str) -> bool:
    """Whether an instant is another one each time it is read: now, -30m."""
    return text.strip() == "now" or _RELATIVE.fullmatch(text.strip()) is not None


def _checked(text: str) -> str:
    parse_instant(text, 0.0)
    return text


_Instant = Annotated[str, AfterValidator(_checked)]


class SpanConfig(BaseModel):
    """`from` and `to` of one version, as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: _Instant = Field(alias="from")
    end: _Instant = Field(alias="to")


class WindowConfig(BaseModel):
    """Either `from` and `to` for both versions, or `baseline` and `canary` with one of their own each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: _Instant | None = Field(default=None, alias="from")
    end: _Instant | None = Field(default=None, alias="to")
    baseline: SpanConfig | None = None
    canary: SpanConfig | None = None

    @model_validator(mode="after")
    def _one_way(self) -> WindowConfig:
        both = self.start is not None, self.end is not None
        own = self.baseline is not None, self.canary is not None
        halves = (self.start is None) != (self.end is None) or (self.baseline is None) != (
            self.canary is None
        )
        if both == own or halves:
            raise ValueError("give from and to, or baseline and canary with from and to each")
        return self


def _seconds(value: str | float) -> float:
    seconds = parse_duration(value)
    if seconds < 1 or seconds > 3600 or seconds != round(seconds, 3):
        raise ValueError("a step is between 1s and 1h")
    return seconds


Step = Annotated[float, BeforeValidator(_seconds)]
