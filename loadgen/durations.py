"""Durations and other amounts as people write them, with their unit: `5min`, `90s`, `1h`, or plain seconds.

The one reader of them: `pipeline` uses it too. Needs nothing but Python.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["parse_amount", "parse_duration"]

_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(\S*)", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_amount(value: str | float, units: Mapping[str, float], what: str, example: str) -> float:
    """A number above zero with its unit, in the base unit.

    Args:
        value: What was written; a number without a unit is in the base unit.
        units: How much each unit is of the base unit.
        what: What is read, for the error.
        example: How it is written, for the error.

    Raises:
        ValueError: It is none, it is zero, or it is too large for a number.
    """
    text = f"{value:.9f}" if isinstance(value, float) else str(value)
    match = _NUMBER.fullmatch(text.strip())
    if match is None or (match[2] and match[2] not in units):
        raise ValueError(f"{str(value)[:40]!r} is not a {what}: write it like {example} ({', '.join(units)})")
    number = float(match[1]) * units.get(match[2], 1.0)
    if number == 0 or not math.isfinite(number):
        raise ValueError(f"{str(value)[:40]!r}: a {what} is more than zero, and finite")
    return number


def parse_duration(value: str | float) -> float:
    """Seconds. A number without a unit is in seconds. Raises ValueError.

    >>> parse_duration("1.5m"), parse_duration("5min"), parse_duration(90)
    (90.0, 300.0, 90.0)
    """
    return parse_amount(value, _SECONDS, "duration", "90s or 5m")
