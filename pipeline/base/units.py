"""Durations, sizes and rates as people write them, with their unit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["parse_duration", "parse_rate", "parse_size"]

_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(\S*)", re.ASCII)
_DURATIONS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_SIZES: Final = {
    **{"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9},
    **{"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
}
_RATES: Final = {"/s": 1.0, "/min": 1 / 60, "/h": 1 / 3600}


def _parse(value: str | float, units: Mapping[str, float], what: str, example: str) -> float:
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

    >>> parse_duration("1.5m")
    90.0
    """
    return _parse(value, _DURATIONS, "duration", "90s or 5m")


def parse_size(value: str | float) -> int:
    """Bytes: kB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024. Raises ValueError.

    >>> parse_size("512MiB")
    536870912
    """
    return round(_parse(value, _SIZES, "size", "512MB"))


def parse_rate(value: str | float) -> float:
    """Events a second. A number without a unit is a second's. Raises ValueError.

    >>> parse_rate("300/min")
    5.0
    """
    return _parse(value, _RATES, "rate", "50/s")
