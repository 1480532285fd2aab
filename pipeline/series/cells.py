"""What one cell of a CSV file holds: a number, nothing, or something that is refused with the reason."""

from __future__ import annotations

import math
import re
from typing import Final

from pipeline.base.text import printable
from pipeline.series.times import NUMBER

__all__ = ["Decimals", "is_missing", "number"]

# As Grafana, JavaScript, Python, Go, C and spreadsheets write that there is no sample.
_MISSING: Final = re.compile(
    r"|[+-]?nan|\(null\)|<null>|null|none|nil|undefined|#?n/?a|-|--|\\n", re.ASCII | re.IGNORECASE
)
_PLAIN: Final = r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?"
_WITH_UNIT: Final = re.compile(
    rf"({_PLAIN})[\s\u00a0\u202f]*([^\W\d_][^\s\d,;]{{0,11}}|[%‰°][^\s\d,;]{{0,11}})"
)
_WITH_SIGN: Final = re.compile(rf"([$€£¥])[\s\u00a0]*{_PLAIN}")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:[.,'\s\u00a0\u202f]\d{3})+(?:[.,]\d*)?", re.ASCII)
_ONE_GROUP: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_AS_NUMBERS: Final = "export plain numbers, all of one unit"


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no sample."""
    return _MISSING.fullmatch(text) is not None


def number(name: str, text: str) -> float:
    """The value of a cell with a decimal point; NaN where it is missing. Raises ValueError: what it holds instead.

    >>> number("cpu", "1.5e3"), number("cpu", "undefined")
    (1500.0, nan)
    """
    if is_missing(text):
        return math.nan
    value = float(text) if NUMBER.fullmatch(text) else math.inf
    if math.isfinite(value):
        return value
    called = f"{printable(name, 40)} is {text[:40]!r}"
    if match := _WITH_UNIT.fullmatch(text) or _WITH_SIGN.fullmatch(text):
        unit = match[match.lastindex or 1]
        raise ValueError(f"{called}, with the unit {printable(unit)}: {_AS_NUMBERS}")
    if _GROUPED.fullmatch(text):
        raise ValueError(
            f"{called}, not a number: leave out what groups its digits, and write decimals with a point"
        )
    raise ValueError(f"{called}, not a number")


class Decimals:
    """The decimal mark of a file whose columns are separated by semicolons or tabs: a point or a comma, all through.

    In a file separated by commas it is the point. `1,234` is thousands here and decimals there: a column in which no
    cell tells which is refused.
    """

    def __init__(self, separator: str) -> None:
        self._both = separator != ","
        self._first: tuple[str, str, int] | None = None  # mark, cell, line
        self._grouped: dict[str, tuple[str, int]] = {}  # by column: its first cell that could be thousands
        self._clear: set[str] = set()  # columns with a cell that is decimals for certain

    def point(self, name: str, text: str, line: int) -> str:
        """A cell with a decimal point, whatever it was written with. Raises ValueError: two marks in one file."""
        if not self._both or not ("," in text or "." in text):
            return text
        mark = "," if "," in text else "."
        pointed = text.replace(",", ".")
        if text.count(",") + text.count(".") > 1 or NUMBER.fullmatch(pointed) is None:
            return text  # a date, a missing value, or no number: told by whoever reads it
        if self._first is None:
            self._first = mark, text, line
        elif mark != self._first[0]:
            raise ValueError(
                f"{printable(name, 40)} is {text[:40]!r}, but {self._first[1][:40]!r} stands in line {self._first[2]}: "
                "write all decimals with a point"
            )
        if _ONE_GROUP.fullmatch(text):
            self._grouped.setdefault(name, (text, line))
        else:
            self._clear.add(name)
        return pointed

    def unsure(self) -> list[tuple[int, str]]:
        """Line and message of each column that may hold thousands or decimals."""
        if self._clear:
            return []  # one mark in the whole file, and somewhere it is the decimal mark
        return [
            (
                line,
                f"{printable(name, 40)} is {text!r}: thousands or decimals? separate columns by commas, "
                "write decimals with a point and thousands without",
            )
            for name, (text, line) in self._grouped.items()
        ]
