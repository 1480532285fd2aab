"""CSV files of every dialect, whole and spoilt, read and judged: `python -m bench.inputs.fuzz_csv --count N --seed S`.

A whole file must be read to the numbers that were written, by both judges' readers. A spoilt one is refused with its
line, or read; where what it holds cannot be known (a unit in a cell, two units of time ...) it must be refused. A
canary with a harm that is plain in the whole file must not pass in any spoilt one. No traceback, no hang.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from bench.inputs.csv_dialects import HARMS, NOON, Dialect, Truth, any_dialect, rows_of, truth, written
from pipeline.base.errors import ConfigError, UsageError
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from pipeline.series.case import from_csv
from pipeline.series.csvfile import read_series_csv, read_timed_csv

__all__ = ["Tally", "fuzz"]

_CONFIG: Final = """
metrics:
  - {name: latency, kind: level, unit: s, margin: 10%, critical: true}
  - {name: failed, kind: proportion, margin: 1pp, critical: true, csv: {hits: errors, total: requests}}
  - {name: growth, kind: trend, unit: B, margin: 2MB/min, critical: true, csv: {column: memory}}
"""
_PATIENCE: Final = 30.0  # seconds for one file
_NOISE: Final = 't,metricvalue;sp=0129.-+eENanTZ:"\n\r\t \x00é%'

Rows = list[list[str]]
Tally = Counter[tuple[str, str]]
_Spoil = Callable[[random.Random, Rows, Dialect], Rows]


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
_REFUSED: Final[dict[str, _Spoil]] = {
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
_NOT_PASSED: Final[dict[str, _Spoil]] = {
    "a metric left out": _no_column,
    "rows twice": _twice,
    "values gone": _emptied,
}
_OF_BYTES: Final = ("cut off", "bytes changed", "lines mixed", "noise")


def _spoil_bytes(rng: random.Random, kind: str, raw: bytes) -> bytes:
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


@contextmanager
def _limit() -> Iterator[None]:
    def stop(_signal: int, _frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _differs(path: Path, known: Truth, dialect: Dialect) -> str | None:
    """How what both readers give differs from what was written."""
    table, values = read_timed_csv(path), read_series_csv(path)
    times = np.asarray(known.times) - (NOON if dialect.relative else 0)
    if set(table.series) != set(known.values):
        return f"metrics {sorted(table.series)}"
    for name, expected in known.values.items():
        series = table.series[name]
        if series.t.shape != times.shape or np.abs(series.t - times).max() > 1e-3:
            return f"times of {name}"
        if not np.allclose(series.value, expected, rtol=1e-9, equal_nan=True):
            return f"values of {name}"
        if not np.array_equal(series.value, values[name], equal_nan=True):
            return f"values of {name} for the other judge"
    return None


def _said_well(error: UsageError, path: Path) -> bool:
    lines = [error.message, *(error.problems if isinstance(error, ConfigError) else ())]
    problems = lines[1:]
    at = re.compile(rf"{re.escape(str(path))}:\d+: \S")
    return all(line.isprintable() for line in lines) and all(at.match(line) for line in problems)


def _try(directory: Path, rng: random.Random, tally: Tally) -> str | None:
    """One file as the canary beside a whole baseline; what is wrong with the outcome, if anything."""
    harm = rng.choice(HARMS)
    known = truth(rng, harm)
    kind = rng.choice([*["whole"] * 8, *_REFUSED, *_NOT_PASSED, *_OF_BYTES])
    clock = "relative seconds" if kind == "steps of any unit" else None
    dialect = any_dialect(rng, clock)
    rows = list(rows_of(known, dialect))
    if spoil := {**_REFUSED, **_NOT_PASSED}.get(kind):
        rows = spoil(rng, rows, dialect)
    raw = written(rows, dialect)
    if kind in _OF_BYTES:
        raw = _spoil_bytes(rng, kind, raw)
    canary, baseline = directory / "canary.csv", directory / "baseline.csv"
    canary.write_bytes(raw)
    plain = any_dialect(rng, dialect.clock)
    baseline.write_bytes(written(list(rows_of(truth(rng, "none"), plain)), plain))
    try:
        if kind == "whole" and (different := _differs(canary, known, dialect)):
            return f"{kind}: {different}: {dialect}"
        case = from_csv(directory / "canary.yml", baseline, canary)
    except UsageError as error:
        tally[kind, "refused"] += 1
        if kind == "whole":
            return f"refused a whole file: {error.message} {getattr(error, 'problems', '')}: {dialect}"
        return None if _said_well(error, canary) else f"{kind}: said {error.message!r}"
    outcome = judge(case.evidence, case.rules, case.policy).outcome
    tally[kind, outcome.value] += 1
    if kind in _REFUSED:
        return f"{kind}: read and {outcome.value}: {dialect}"
    if kind == "whole":
        right = outcome is Outcome.FAILED if harm != "none" else outcome is not Outcome.FAILED
        return None if right else f"whole, harm {harm}: {outcome.value}: {dialect}"
    wrong = outcome is Outcome.PASSED and (harm != "none" or kind == "values gone")
    return f"{kind}, harm {harm}: passed: {dialect}" if wrong else None


def fuzz(count: int, seed: int) -> tuple[Tally, list[str]]:
    """How many files of each kind ended how, and each wrong ending with the seed that makes it again."""
    tally: Tally = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "canary.yml").write_text(_CONFIG, "utf-8")
        for number in range(seed, seed + count):
            try:
                with _limit():
                    found = _try(directory, random.Random(number), tally)  # noqa: S311 (test data)
            except TimeoutError:
                found = "hangs"
            except Exception as error:  # every other error is a traceback that somebody would see
                found = f"traceback: {error!r}"
            if found:
                wrong.append(f"seed {number}: {found}")
    return tally, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tally, wrong = fuzz(options.count, options.seed)
    ends = ["refused", *(outcome.value for outcome in Outcome)]
    print(f"| {options.count:,} files, seeds from {options.seed} | {' | '.join(ends)} |")
    print("|---" * (len(ends) + 1) + "|")
    for kind in ("whole", *_REFUSED, *_NOT_PASSED, *_OF_BYTES):
        print(f"| {kind} | {' | '.join(f'{tally[kind, end]:,}' for end in ends)} |")
    print("\n".join(wrong[:20]))
    print(f"{len(wrong)} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
