"""A column of times as exporters write it: the unit is told by what is possible, or by the column's name.

Dates are ISO 8601. Numbers are seconds from a beginning of the file's own, or seconds, milliseconds, microseconds or
nanoseconds since 1970: between 2000 and 2100 these four cannot be mixed up. What fits none of them, two units in one
column, and steps that nobody takes in seconds are refused: a wrong unit makes each trend a thousand times too flat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.base.text import printable

__all__ = ["NAMES", "NUMBER", "SINCE_1970", "Clock", "TimeColumn", "Times", "TimesError", "is_time_name"]

Floats = NDArray[np.float64]
# What the times count from: the file's own beginning, 1970 (as a number), or dates with and without a zone.
Clock = Literal["relative", "epoch", "zoned", "naive"]

NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
NAMES: Final = ("t", "ts", "time", "timestamp", "datetime", "date")
SINCE_1970: Final = (
    946_684_800.0  # the year 2000 in seconds: no series is older, so what is below is relative
)
_LATEST: Final = 4_102_444_800.0  # the year 2100
_EPOCHS: Final = (("seconds", 1.0), ("milliseconds", 1e-3), ("microseconds", 1e-6), ("nanoseconds", 1e-9))
_RELATIVE: Final = len(_EPOCHS)  # these two are kinds of numbers beside the four
_NOTHING: Final = _RELATIVE + 1
_UNITS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("seconds", 1.0)),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds"), ("milliseconds", 1e-3)),
    **dict.fromkeys(
        ("us", "µs", "μs", "usec", "micros", "microsecond", "microseconds"), ("microseconds", 1e-6)
    ),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), ("nanoseconds", 1e-9)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("minutes", 60.0)),
    **dict.fromkeys(("h", "hour", "hours"), ("hours", 3600.0)),
}
# time_ms, Time (ms), timestamp[ns], t.s: a unit needs something between it and the name, or `ts` would have one.
_NAME: Final = re.compile(rf"[_@]?({'|'.join(NAMES)})(?:[\s_.-]*[(\[](\w+)[)\]]|[\s_.-]+(?:in\s+)?(\w+))?")
_DAY: Final = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DAY_OR_HOUR: Final = re.compile(rf"{_DAY}(?:[01]\d|2[0-3])?", re.ASCII)
_ZONE: Final = re.compile(r"\s+(?:(?:UTC|GMT|Z)|([+-]\d\d:?\d\d)(?:\s+(?:UTC|GMT))?)$", re.ASCII)
_DAYS: Final = 900_000.0  # ten of them: no series from 0 on is so long
_YEAR: Final = 31_622_400.0
# Seconds from one row to the next that only seconds have. Others are as likely milliseconds, or hours and days.
_SHORTEST, _LONGEST = 0.1, 60.0
_ROUND: Final = (120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)


class TimesError(ValueError):
    """A column that cannot be read; `line` is where, None for the column as a whole."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Seconds, one for each row, and what they count from."""

    seconds: Floats
    clock: Clock


def is_time_name(name: str) -> bool:
    """Whether a column is called as a time, in any case, with a unit or without.

    >>> [is_time_name(name) for name in ("Time", "timestamp_ms", "t [s]", "_time", "cpu", "time_total")]
    [True, True, True, True, False, False]
    """
    match = _NAME.fullmatch(name.strip().lower())
    return match is not None and (match[2] or match[3] or "s") in _UNITS


class TimeColumn:
    """Collects a column's cells, row by row, and says what they mean once all are known."""

    def __init__(self, name: str) -> None:
        match = _NAME.fullmatch(name.strip().lower())
        word = (match[2] or match[3]) if match else None
        self.name = printable(name, 40)
        self._unit = _UNITS[word] if word else None
        self._values: list[float] = []
        self._lines: list[int] = []
        self._kinds: list[str] = []
        self._all_like_days = True

    def add(self, text: str, line: int) -> None:
        """One cell, with a decimal point. Raises ValueError when it is no time in any form."""
        if NUMBER.fullmatch(text):
            kind, value = "number", float(text)
            self._all_like_days = self._all_like_days and _DAY_OR_HOUR.fullmatch(text) is not None
        else:
            kind, value = self._date(text)
        self._values.append(value)
        self._lines.append(line)
        self._kinds.append(kind)

    def _date(self, text: str) -> tuple[str, float]:
        plain = _ZONE.sub(lambda match: match[1] or "Z", text)
        try:
            moment = datetime.fromisoformat(plain)
            zoned = moment.tzinfo is not None
            seconds = (moment if zoned else datetime.fromisoformat(f"{moment.isoformat()}+00:00")).timestamp()
        except (ValueError, OverflowError):
            raise ValueError(
                f"{self.name} is {text[:40]!r}, neither seconds nor an ISO 8601 date: write it like "
                "2026-01-31T10:00:00Z"
            ) from None
        if not SINCE_1970 <= seconds < _LATEST:
            raise ValueError(f"{self.name} is {text[:40]!r}, before 2000 or after 2100")
        return ("zoned" if zoned else "naive"), seconds

    def read(self) -> Times:
        """All of it. Raises TimesError."""
        values = np.asarray(self._values, dtype=np.float64)
        if not len(values):
            return Times(values, "relative")
        kinds = {"number": "a number", "zoned": "a date with a zone", "naive": "a date without a zone"}
        self._same(self._kinds, kinds)
        if self._kinds[0] == "zoned":
            return Times(values, "zoned")
        if self._kinds[0] == "naive":
            return Times(values, "naive")
        return self._numbers(values)

    def _same(self, kinds: Sequence[str], words: dict[str, str]) -> None:
        for kind, line in zip(kinds, self._lines, strict=True):
            if kind != kinds[0]:
                raise TimesError(
                    f"{self.name} is {words[kind]}, but {words[kinds[0]]} in line {self._lines[0]}: "
                    "one column has one kind of time",
                    line,
                )

    def _numbers(self, values: Floats) -> Times:
        if self._all_like_days:
            raise TimesError(
                f"{self.name} is {values[0]:.15g}: seconds, or a date? write dates like 2026-01-31T10:00:00Z"
            )
        kinds = _kinds(values)
        if self._unit is None:
            return self._by_size(values, kinds)
        unit, factor = self._unit
        seconds = values * factor
        # A number that is a moment in another unit, and otherwise days after the file's beginning, is that moment.
        since = (seconds >= SINCE_1970) & (seconds < _LATEST)
        others = (kinds < _RELATIVE) & ~since & ((seconds > _DAYS) | np.all(kinds == kinds[0]))
        if np.any(others):
            at = int(np.argmax(others))
            raise TimesError(
                f"the column is called {self.name}, but {values[at]:.15g} is {_EPOCHS[int(kinds[at])][0]} since 1970",
                self._lines[at],
            )
        strange = ~since & ~(np.abs(seconds) < SINCE_1970)
        if np.any(strange):
            at = int(np.argmax(strange))
            raise TimesError(
                f"{self.name} is {values[at]:.15g}, which in {unit} is before 2000 or after 2100",
                self._lines[at],
            )
        told = ["since 1970" if yes else "from the file's beginning" for yes in since]
        self._same(told, {word: f"{unit} {word}" for word in set(told)})
        return Times(seconds, "epoch") if since[0] else self._relative(seconds)

    def _by_size(self, values: Floats, kinds: NDArray[np.int64]) -> Times:
        words = [f"{unit} since 1970" for unit, _ in _EPOCHS] + ["seconds from the file's beginning"]
        if np.any(kinds == _NOTHING):
            at = int(np.argmax(kinds == _NOTHING))
            raise TimesError(
                f"{self.name} is {values[at]:.15g}: neither seconds, milliseconds, microseconds nor nanoseconds "
                "since 1970",
                self._lines[at],
            )
        self._same([words[kind] for kind in kinds], {word: word for word in words})
        kind = int(kinds[0])
        if kind < _RELATIVE:
            return Times(values * _EPOCHS[kind][1], "epoch")
        return self._relative(values)

    def _relative(self, seconds: Floats) -> Times:
        far = np.abs(seconds - np.median(seconds)) > _YEAR
        if np.any(far):
            at = int(np.argmax(far))
            raise TimesError(
                f"{self.name} is {self._values[at]:.15g}, years away from the others", self._lines[at]
            )
        return Times(seconds, "relative")

    def check_steps(self, steps: Sequence[float]) -> None:
        """Refuse relative times without a unit in their name whose steps (of each series) tell no unit."""
        if self._unit is not None or not steps:
            return
        step = min(steps)
        rounded = any(abs(step - whole) <= 0.005 * whole for whole in _ROUND)
        unsure = "milliseconds (t_ms)" if step > _LONGEST and not rounded else None
        if max(steps) < _SHORTEST:
            step, unsure = max(steps), "minutes (t_min), hours (t_h) or days (write dates)"
        if unsure:
            raise TimesError(
                f"{self.name} goes on by {step:.6g}: seconds, or {unsure}? call the column t_s if seconds are meant"
            )


def _kinds(values: Floats) -> NDArray[np.int64]:
    """Of each number, which of _EPOCHS it can be, or _RELATIVE, or _NOTHING."""
    found = np.full(len(values), _NOTHING, dtype=np.int64)
    found[np.abs(values) < SINCE_1970] = _RELATIVE
    for index, (_, factor) in enumerate(_EPOCHS):
        found[(values * factor >= SINCE_1970) & (values * factor < _LATEST)] = index
    return found
