"""Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["interval", "lines", "share"]


def lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table whose first row is its titles, each as soon as there is the row.

    >>> list(lines([["a", "b"], ["x", "1"]]))
    ['| a | b |', '| --- | ---: |', '| x | 1 |']
    """
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"| {' | '.join(['---', *['---:'] * (len(row) - 1)])} |"


def share(hits: int, n: int) -> str:
    """A share in percent, with one decimal where it is small.

    >>> share(3, 2000), share(450, 500)
    ('0.15 %', '90.0 %')
    """
    if n == 0:
        return "-"
    return f"{100 * hits / n:.2f} %" if hits / n < 0.1 else f"{100 * hits / n:.1f} %"


def interval(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    >>> [round(x, 4) for x in interval(40, 2000)]
    [0.0147, 0.0271]
    """
    p, middle = hits / n, (hits / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
