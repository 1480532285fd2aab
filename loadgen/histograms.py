"""Histograms of microseconds as counts of rounded values, which add up exactly, and their percentiles.

Values are rounded as an HdrHistogram of three significant digits does, so that one of these can be made of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from hdrh.histogram import HdrHistogram

__all__ = ["histogram", "percentiles", "rank", "record_all", "rounded"]

_HIGHEST_US = 3_600_000_000  # an hour; longer values count as this
_PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9, "max": 100}
_DIGITS = 11  # binary digits that a histogram tells apart: 2,048 is more than three decimal ones


def histogram() -> Any:
    """An empty HdrHistogram for microseconds, three significant digits."""
    return HdrHistogram(1, _HIGHEST_US, 3)


def rounded(values: Iterable[int]) -> list[int]:
    """As far as a histogram tells them apart.

    >>> rounded([3, 2047, 5_000_001, 5_000_002])
    [3, 2047, 4997120, 4997120]
    """
    return [
        value if value >> _DIGITS == 0 else value >> (down := value.bit_length() - _DIGITS) << down
        for value in values
    ]


def record_all(into: Any, values: list[int]) -> None:
    """Add values to a histogram: one call for all that it does not tell apart.

    >>> few = histogram()
    >>> record_all(few, [3, 5_000_001, 5_000_002])
    >>> few.get_total_count(), few.get_count_at_value(5_000_003)
    (3, 2)
    """
    _record(into, Counter(rounded(values)))


def _record(into: Any, counts: Counter[int]) -> None:
    for value, count in counts.items():
        into.record_value(min(value, _HIGHEST_US), count)


def rank(counts: Counter[int], percent: float, beyond: int = 0) -> int | None:
    """The nearest-rank percentile of values with their counts, and `beyond` more that are larger.

    None for one of these, and of nothing.

    >>> few = Counter([30, 10, 20])
    >>> rank(few, 50), rank(few, 50, beyond=4)
    (20, None)
    """
    left = _nth(counts.total() + beyond, percent)
    for value, count in sorted(counts.items()):
        left -= count
        if left <= 0:
            return value
    return None


def percentiles(counts: Counter[int], beyond: int = 0) -> dict[str, float | None] | None:
    """p50 to p99.9 and the highest, in milliseconds, of rounded values with their counts, and of `beyond` larger ones.

    None stands for one of the larger ones; for all percentiles, where there is nothing.
    """
    within = counts.total()
    if not within + beyond:
        return None
    values = histogram()
    _record(values, counts)
    found: dict[str, float | None] = {}
    for name, percent in _PERCENTILES.items():
        nth = _nth(within + beyond, percent) if beyond else 0
        if nth > within:
            found[name] = None
        elif name == "max":
            found[name] = values.get_max_value() / 1000
        else:
            share = 100 * nth / within if beyond else percent
            found[name] = values.get_value_at_percentile(share) / 1000
    return found


def _nth(count: int, percent: float) -> int:
    """Which of `count` values in order is the percentile."""
    return max(1, math.ceil(count * percent / 100))
