"""Durations, rates and shares as people write them, with their unit."""

from __future__ import annotations

import re
from typing import Final

from loadgen.durations import parse_amount, parse_duration

__all__ = ["parse_duration", "parse_rate", "parse_share"]

_RATES: Final = {"/s": 1.0, "/min": 1 / 60, "/h": 1 / 3600}


def parse_rate(value: str | float) -> float:
    """Events a second. A number without a unit is a second's. Raises ValueError.

    >>> parse_rate("300/min")
    5.0
    """
    return parse_amount(value, _RATES, "rate", "50/s")


def parse_share(value: str) -> float:
    """A part of the whole, written as a percentage or as a fraction, to a millionth. Raises ValueError.

    >>> parse_share("10%"), parse_share("0.25")
    (0.1, 0.25)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", value.strip(), re.ASCII)
    if match is None:
        raise ValueError(f"{value[:40]!r} is not a share: write it like 10% or 0.1")
    share = round(float(match[1]) / (100 if match[2] else 1), 6)
    if not 0 < share < 1:
        raise ValueError(f"{value[:40]!r}: a share is more than 0 % and less than 100 %")
    return share
