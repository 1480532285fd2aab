"""What goes wrong with a CSV file: cells, times and rows that nobody can know the meaning of, and spoilt bytes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from bench.inputs.csv_dialects import NOON, Dialect

__all__ = ["NOT_PASSED", "OF_BYTES", "REFUSED", "spoil_bytes"]

Rows = list[list[str]]
_Spoil = Callable[[random.Random, Rows, Dialect], Rows]

_NOISE: Final = 't,metricvalue;sp=0129.-+eENanTZ:"\n\r\t \x00é%'


def _one(rng: random.Random, rows: Rows, dialect: Dialect, change: Callable[[str], str]) -> Rows:
    """`change` one value that is there."""
    at = dialect.order.index(2) if dialect.long else rng.randrange(1, len(rows[0]))
    there = [row for row in rows[1:] if any(c.isdigit() for c in row[at])]
    row = rng.choice(there)
    row[at] = change(row[at])
    return rows


def _one_time(rng: random.Random, rows: Rows, dialect: Dialect, change: Callable[[str], str]) -> Rows:
    row = rng.choice(rows[2:])
    at = _time_at(dialect)
    row[at] = change(row[at])
    return rows


def _time_at(dialect: Dialect) -> int:
    return dialect.order.index(0) if dialect.long else 0


def _unit(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    unit = rng.choice([" ms", "ms", "%", " MiB", "\u00a0s", " req/s"])
    return _one(rng, rows, dialect, lambda text: text + unit)


def _grouped(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    text = rng.choice(["1,234,567", "1.234.567", "1 234", "1'234", "1,234.5", "1.234,5"])
    return _one(rng, rows, dialect, lambda _: text)


def _no_number(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    text = rng.choice(
        ["inf", "-Infinity", "1e999", "high", "0x1F", "1_0", "=A1", "true", "\u0661", "1e", "٣"]
    )
    return _one(rng, rows, dialect, lambda _: text)


def _other_mark(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    text = "0.015" if dialect.comma else "0,015"
    return _one(rng, rows, dialect, lambda _: text)


def _other_time(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    other = ["", "noon", "0000-00-00", "01/02/2026", "NaN", "5e10", "1e300", "1999-12-31T00:00:00Z"]
    if not dialect.relative:
        other.append("15")
    if dialect.clock != "milliseconds":
        other.append(str(NOON * 1000))
    if not dialect.clock.startswith("seconds"):
        other.append(str(NOON))
    if dialect.clock != "ISO, no zone":
        other.append("2026-01-01 12:00:00")
    text = rng.choice(other)
    return _one_time(rng, rows, dialect, lambda _: text)


def _wrong_name(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    units = {"seconds": "ms", "milliseconds": "s", "microseconds": "ms", "nanoseconds": "us"}
    unit = units.get(dialect.clock.split(",")[0])
    rows[0][_time_at(dialect)] = (
        f"time_{unit}" if unit else rng.choice(["when", "zeit", "", "x", "time_zone"])
    )
    return rows


def _ambiguous(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    at = _time_at(dialect)
    step = rng.choice([100, 250, 1000, 5000, 15000, 0.00025, 0.0166, 86400])
    first = rows[1][at]
    row = -1
    for cells in rows[1:]:
        if cells[at] != first or row < 0:
            first, row = cells[at], row + 1
        cells[at] = f"{row * step:.6f}".replace(".", "," if dialect.comma else ".")
    rows[0][at] = "t"
    return rows


def _short_row(rng: random.Random, rows: Rows, _dialect: Dialect) -> Rows:
    row = rng.choice(rows[1:])
    if rng.random() < 0.5:
        row.append("7")
    else:
        row.pop()
    return rows


def _no_header(_rng: random.Random, rows: Rows, _dialect: Dialect) -> Rows:
    return rows[1:]


def _no_column(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    if dialect.long:
        at, gone = dialect.order.index(1), rng.choice(["latency", "requests", "memory"])
        return [row for row in rows if row[at] != gone]
    gone_at = rng.choice([1, 3, 4])
    return [[cell for i, cell in enumerate(row) if i != gone_at] for row in rows]


def _twice(rng: random.Random, rows: Rows, _dialect: Dialect) -> Rows:
    return rows + [list(rng.choice(rows[1:])) for _ in range(rng.randint(1, 5))]


def _emptied(rng: random.Random, rows: Rows, dialect: Dialect) -> Rows:
    """Values are missing from a row of the first half on: no outcome but a fail that was shown before."""
    begin = rng.randrange(1, len(rows) // 2)
    for row in rows[begin:]:
        if dialect.long:
            row[dialect.order.index(2)] = dialect.missing
        else:
            row[1:] = [dialect.missing] * (len(row) - 1)
    return rows


# What must be refused by the reader, and what may be read but must not make a harm pass.
REFUSED: Final[dict[str, _Spoil]] = {
    "a unit in a cell": _unit,
    "grouped digits": _grouped,
    "no number": _no_number,
    "the other decimal mark": _other_mark,
    "another kind of time": _other_time,
    "a wrong name of the time": _wrong_name,
    "steps of any unit": _ambiguous,
    "a row too short or long": _short_row,
    "no header": _no_header,
}
NOT_PASSED: Final[dict[str, _Spoil]] = {
    "a metric left out": _no_column,
    "rows twice": _twice,
    "values gone": _emptied,
}
OF_BYTES: Final = ("cut off", "bytes changed", "lines mixed", "noise")


def spoil_bytes(rng: random.Random, kind: str, raw: bytes) -> bytes:
    if kind == "cut off":
        return raw[: rng.randrange(len(raw))]
    if kind == "lines mixed":
        lines = raw.splitlines(keepends=True)
        for _ in range(rng.randint(1, 10)):
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
        return b"".join(lines)
    if kind == "bytes changed":
        changed, text = bytearray(raw), rng.random() < 0.7
        for _ in range(rng.randint(1, 20)):
            changed[rng.randrange(len(changed))] = (
                rng.choice(b"0123456789.,;-eE\n") if text else rng.randrange(256)
            )
        return bytes(changed)
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(2000))
    begin = rng.choice(["", "t,latency\n", "Time;memory\r\n", "t,metric,value\n", "sep=,\n", "\ufeff"])
    return (begin + "".join(rng.choices(_NOISE, k=rng.choice([5, 50, 2000])))).encode()
