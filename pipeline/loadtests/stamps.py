"""Instants as load generators write them: Unix time in some unit, or RFC 3339."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from pipeline.base.text import printable
from pipeline.loadtests.recorded import refuse

__all__ = ["Stamps"]

_WHOLE: Final = re.compile(r"\d{9,19}", re.ASCII)
# By the number of digits, for which any two units lie centuries apart.
_UNITS: Final = {9: 1, 10: 1, 12: 10**3, 13: 10**3, 15: 10**6, 16: 10**6, 18: 10**9, 19: 10**9}
_FRACTION: Final = re.compile(r"\d{9,10}\.\d+", re.ASCII)


class Stamps:
    """Reads the instants of one file, which must all be written in one way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kind: str | None = None
        self.whole_seconds = False  # each so far is one

    def read(self, line: int, text: str) -> float:
        """Unix seconds. Raises UsageError."""
        kind, seconds, whole = self._parse(line, text)
        if self._kind is None:
            self._kind, self.whole_seconds = kind, whole
        elif kind != self._kind:
            refuse(
                self._path,
                line,
                f"a time in {kind}, {printable(text, 40)!r}, where others are in {self._kind}",
            )
        self.whole_seconds &= whole
        return seconds

    def _parse(self, line: int, text: str) -> tuple[str, float, bool]:
        if _WHOLE.fullmatch(text) and (unit := _UNITS.get(len(text))):
            number = int(text)
            # In two parts: a float has not the digits for nanoseconds since 1970.
            name = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}[unit]
            return name, number // unit + number % unit / unit, unit == 1
        if _FRACTION.fullmatch(text):
            return "seconds", float(text), False
        try:
            moment = datetime.fromisoformat(text)
            seconds = moment.timestamp()
        except (ValueError, OverflowError):
            refuse(self._path, line, f"{printable(text, 40)!r} is not a time")
        if moment.tzinfo is None:
            refuse(self._path, line, f"{printable(text, 40)!r} has no time zone")
        return "RFC 3339", seconds, "." not in text
