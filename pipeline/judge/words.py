"""Numbers as people read them: one place, so that the terminal, the page and the reasons agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

__all__ = ["amount", "between", "change", "count_of", "minutes", "percent", "points", "rough", "titles_of"]

_BYTE_STEPS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def _digits(value: float) -> str:
    """About three significant digits, without an exponent.

    >>> [_digits(v) for v in (0, 0.0123, 1.234, 12.34, 1234.5)]
    ['0', '0.0123', '1.23', '12.3', '1,234']
    """
    if value == 0:
        return "0"
    decimals = max(0, min(6, 2 - math.floor(math.log10(abs(value)))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(fraction: float) -> str:
    """A fraction as a percentage.

    >>> percent(0.019), percent(0), percent(0.99909), percent(0.99999)
    ('1.9 %', '0 %', '99.9 %', '99.999 %')
    """
    scaled = fraction * 100
    digits = _digits(scaled)
    if digits == "100" and scaled < 100:  # 99.999 % must not read as 100 %
        digits = f"{math.floor(scaled * 1000) / 1000:g}"
    return f"{digits} %"


def points(fraction: float) -> str:
    """A difference of fractions in percentage points.

    >>> points(0.005), points(0.01)
    ('0.5 points', '1 point')
    """
    digits = _digits(fraction * 100)
    return f"{digits} point" if digits == "1" else f"{digits} points"


def amount(value: float | None, unit: str) -> str:
    """A value with its unit; `unit` is one of the catalogue's or a short word of a configuration's own.

    >>> amount(0.01234, "s"), amount(81_200_000, "B"), amount(0.35, "cores"), amount(None, "s"), amount(3, "jobs")
    ('12.3 ms', '81.2 MB', '0.35 cores', '-', '3 jobs')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if unit == "fraction":
        return percent(value)
    if unit == "s":
        return f"{_digits(value)} s" if abs(value) >= 1 else f"{_digits(value * 1000)} ms"
    if unit in ("B", "B/min"):
        suffix = "/min" if unit == "B/min" else ""
        for factor, name in _BYTE_STEPS:
            if abs(value) >= factor:
                return f"{_digits(value / factor)} {name}{suffix}"
        return f"{value:.0f} B{suffix}"
    if unit == "1/s":
        return f"{_digits(value)}/s"
    if unit == "margins":
        return f"{_digits(value)} of a margin"
    if unit in ("load", "count"):
        return _digits(value)
    if unit.startswith("count/"):  # a trend of a count
        return f"{_digits(value)}{unit.removeprefix('count')}"
    return f"{_digits(value)} {unit}"


def change(baseline: float, canary: float, unit: str) -> str:
    """How the canary differs: in percent of the baseline where that means something, else by amount.

    >>> change(10, 12, "s"), change(10, 9, "s"), change(0, 3, "count"), change(1, 1, "s")
    ('20 % more', '10 % less', '3 more', 'the same')
    """
    difference = canary - baseline
    size = percent(abs(difference) / baseline) if baseline > 0 else amount(abs(difference), unit)
    if size[0] == "0" and size[:2] != "0.":  # zero, or too little to show
        return "the same"
    return f"{size} {'more' if difference > 0 else 'less'}"


def count_of(hits: int, total: int) -> str:
    """A count of a total, with the share when it helps.

    >>> count_of(0, 3000), count_of(57, 3000)
    ('0 of 3,000', '57 of 3,000 (1.9 %)')
    """
    share = f" ({percent(hits / total)})" if 0 < hits < total else ""
    return f"{hits:,} of {total:,}{share}"


def between(low: float, high: float, size: Callable[[float], str], *, increase: bool = True) -> str:
    """Where a change lies, to be put behind it in a sentence; `size` puts an amount into words.

    `low` and `high` are in the harmful direction, which is up when `increase`. An infinite one is not known yet.

    >>> between(0.012, 0.05, percent), between(-0.01, 0.02, percent), between(-0.01, 0.02, percent, increase=False)
    (' (between 1.2 % and 5 % more)', ' (between 1 % less and 2 % more)', ' (between 2 % less and 1 % more)')
    >>> between(-math.inf, 0.05, percent), between(0.01, math.inf, percent), between(-math.inf, math.inf, percent)
    (' (at most 5 % more)', ' (at least 1 % more)', '')
    """
    least, most = (low, high) if increase else (-high, -low)
    if math.isinf(least) and math.isinf(most):
        return ""
    if math.isinf(least):
        return f" (at most {_more(most, size)})"
    if math.isinf(most):
        return f" (at least {_more(least, size)})"
    if _more(least, size) == _more(most, size):
        return ""
    if least * most > 0:
        near, far = sorted((abs(least), abs(most)))
        return f" (between {size(rough(near))} and {_more(math.copysign(far, least), size)})"
    return f" (between {_more(least, size)} and {_more(most, size)})"


def _more(change: float, size: Callable[[float], str]) -> str:
    return f"{size(rough(abs(change)))} {'more' if change >= 0 else 'less'}"


def rough(value: float) -> float:
    """Two digits: the bounds of an estimate need no third.

    >>> rough(0.01234)
    0.012
    """
    return float(f"{value:.2g}")


def minutes(value: float) -> str:
    """A number of minutes to wait for.

    >>> minutes(0.2), minutes(0.9), minutes(3.4), minutes(12.7)
    ('less than a minute', 'about one more minute', 'about 4 more minutes', 'about 13 more minutes')
    """
    if value < 0.5:
        return "less than a minute"
    whole = math.ceil(value)
    return "about one more minute" if whole == 1 else f"about {whole} more minutes"


def titles_of(titles: Sequence[str], most: int = 3) -> str:
    """Metrics by name, of many the first ones.

    >>> titles_of(["Errors"]), titles_of(["Latency, p99", "Errors"]), titles_of(["A", "B", "C", "D", "E"])
    ('Errors', 'Latency, p99; Errors', 'A; B; C and 2 more')
    """
    more = len(titles) - most
    return "; ".join(titles) if more <= 0 else f"{'; '.join(titles[:most])} and {more} more"
