"""Durations and rates as people write them, with their unit."""

from __future__ import annotations

from typing import Final

from loadgen.durations import parse_amount, parse_duration

__all__ = ["parse_duration", "parse_rate"]

_RATES: Final = {"/s": 1.0, "/min": 1 / 60, "/h": 1 / 3600}


def parse_rate(value: str | float) -> float:
    """Events a second. A number without a unit is a second's. Raises ValueError.

    >>> parse_rate("300/min")
    5.0
    """
    return parse_amount(value, _RATES, "rate", "50/s")
