"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["NAMES", "counts", "milliseconds", "percentiles", "printable", "size"]

# What a percentile is called where there is room for its name.
NAMES = {"p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99", "p999": "p99.9", "max": "max"}
_KILO = 1000


def counts(of: Mapping[str, int]) -> str:
    """A count for each name."""
    return ", ".join(f"{name}: {count}" for name, count in of.items()) or "none"


def percentiles(values: Mapping[str, float | None] | None, beyond: str) -> str:
    """All of them in a line; `beyond` is what None stands for."""
    if values is None:
        return "none measured"
    return "  ".join(f"{NAMES[name]} {milliseconds(values[name], beyond)}" for name in NAMES)


def milliseconds(value: float | None, beyond: str) -> str:
    """A time; `beyond` is what None stands for."""
    return beyond if value is None else f"{value:.1f} ms"


def size(count: float) -> str:
    """Bytes, rounded.

    >>> size(999), size(5_475_000)
    ('999 B', '5.5 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KILO or unit == "GB":
            break
        count /= _KILO
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def printable(text: str) -> str:
    """`text` without control characters: it may hold a server's header, which must not move the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
