"""Series from a CSV file, wide (`t,cpu,latency`: a column a metric) or long (`t,metric,value`: a row a sample).

The header decides: a time, a metric and a value, in any order, are long; else the first column is the time. Names of
these columns are those of exporters, in any case. Columns are separated by commas, semicolons or tabs; a byte order
mark, CRLF and a spreadsheet's `sep=;` are passed over. Samples keep the file's order. times.py says what times mean,
cells.py what the other cells hold.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.cells import plain
from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import read_text
from pipeline.judge.evidence import Series
from pipeline.series.cells import Decimals, number
from pipeline.series.times import NAMES, NUMBER, Clock, TimeColumn, TimesError, is_time_name

__all__ = ["SeriesTable", "read_series_csv", "read_timed_csv", "usual_step"]

Floats = NDArray[np.float64]

_LARGEST: Final = 100_000_000  # bytes
_MOST: Final = 10  # problems told of one file
_METRIC: Final = ("metric", "metric_name", "series")
_VALUE: Final = ("value", "metric_value")
_SEPARATORS: Final = (",", ";", "\t")
_SEP_LINE: Final = re.compile(r'\s*"?sep=([,;\t])"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """Series by metric, all in seconds, and what these count from."""

    series: Mapping[str, Series]
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand: the time's column, and of a long file the metric's and the value's."""

    header: list[str]
    time: int = 0
    metric: int | None = None
    value: int = 0


@dataclass(slots=True)
class _Collected:
    """What the rows held: by metric the rows' numbers (from 0) and the values."""

    at: dict[str, list[int]] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, row: int, value: float) -> None:
        self.at.setdefault(name, []).append(row)
        self.values.setdefault(name, []).append(value)


def usual_step(t: Floats) -> float:
    """The median distance of times, in any order; 0 where there are fewer than two.

    >>> usual_step(np.array([30.0, 0, 15, 15]))
    15.0
    """
    distances = np.diff(np.unique(t))
    return float(np.median(distances)) if len(distances) else 0.0


def read_series_csv(path: Path) -> Mapping[str, Floats]:
    """Values by metric, NaN where a sample is missing. Raises ConfigError with problems as `FILE:LINE: what`."""
    return {name: series.value for name, series in read_timed_csv(path).series.items()}


def read_timed_csv(path: Path) -> SeriesTable:
    """As read_series_csv, with the times: seconds from the file's own beginning, or Unix seconds."""
    text = read_text(path, str(path), _LARGEST, encoding="utf-8-sig").lstrip("\ufeff")
    separator = _separator(text)
    rows = _rows(path, text, separator)
    line, header = next(rows, (1, []))
    layout = _layout(header)
    problems = _check(layout)
    if problems:
        raise ConfigError(str(path), [f"{path}:{line}: {problem}" for problem in problems])
    times, decimals, found = TimeColumn(header[layout.time]), Decimals(separator), _Collected()
    if layout.metric is None:
        for name in (name for index, name in enumerate(header) if index != layout.time):
            found.at[name], found.values[name] = [], []
    count = 0
    for at, row in rows:
        try:
            _take(layout, row, at, count, (times, decimals, found))
            count += 1
        except ValueError as error:
            problems.append(f"{path}:{at}: {error}")
        if len(problems) == _MOST:
            break
    if problems:
        raise ConfigError(str(path), problems)
    return _table(path, line, times, decimals, found)


def _table(path: Path, line: int, times: TimeColumn, decimals: Decimals, found: _Collected) -> SeriesTable:
    """The rows as series, once the time column and the decimal mark are known as a whole."""
    if unsure := decimals.unsure():
        raise ConfigError(str(path), [f"{path}:{at}: {message}" for at, message in unsure[:_MOST]])
    try:
        read = times.read()
        series = {
            name: Series(read.seconds[at], np.asarray(found.values[name], dtype=np.float64))
            for name, at in ((name, np.asarray(rows, dtype=np.int64)) for name, rows in found.at.items())
        }
        if read.clock == "relative":
            times.check_steps([step for one in series.values() if (step := usual_step(one.t))])
    except TimesError as error:
        raise ConfigError(str(path), [f"{path}:{error.line or line}: {error}"]) from None
    return SeriesTable(series, read.clock)


def _separator(text: str) -> str:
    """What stands between columns: as `sep=` says; else that with which the header has a column of times."""
    if match := _SEP_LINE.match(text):
        return match[1]
    first = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    for separator in _SEPARATORS:
        cells = next(csv.reader([first], delimiter=separator), [])
        if len(cells) > 1 and any(map(is_time_name, cells)):
            return separator
    return ","


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line it ends in; without a spreadsheet's `sep=` before the header."""
    match = _SEP_LINE.match(text)
    before = 1 + text.count("\n", 0, match.end() - 1) if match else 0
    reader = csv.reader(
        io.StringIO(text[match.end() :] if match else text, newline=""), strict=True, delimiter=separator
    )
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield before + reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise ConfigError(
            str(path), [f"{path}:{before + reader.line_num}: not CSV: {_spoken(error)}"]
        ) from None


def _spoken(error: csv.Error) -> str:
    return str(error).replace("'\t'", "a tab")


def _layout(header: list[str]) -> _Layout:
    names = [name.lower() for name in header]
    times = [index for index, name in enumerate(names) if is_time_name(name)]
    metrics = [index for index, name in enumerate(names) if name in _METRIC]
    values = [index for index, name in enumerate(names) if name in _VALUE]
    if len(header) == 3 and len(times) == len(metrics) == len(values) == 1:
        return _Layout(header, times[0], metrics[0], values[0])
    return _Layout(header)


def _check(layout: _Layout) -> list[str]:
    header = layout.header
    if not header:
        return ["the file is empty, not even a header"]
    if layout.metric is not None:
        return []
    if not is_time_name(header[0]):
        called = f"the first column is the time, called {', '.join(NAMES)}"
        if all(NUMBER.fullmatch(cell) for cell in header):
            return [f"no header: the first line names the columns, and {called}"]
        return [f"{called} (with its unit or without: time_ms); here it is {header[0][:40]!r}"]
    if len(header) == 1:
        return ["no column beside the time"]
    problems = ["a column has no name"] if "" in header else []
    twice = sorted({name for name in header if name and header.count(name) > 1})
    return problems + [f"the column {name[:40]!r} is there twice" for name in twice]


def _take(
    layout: _Layout, row: list[str], line: int, index: int, into: tuple[TimeColumn, Decimals, _Collected]
) -> None:
    """One row. Raises ValueError when it cannot be read; then the file is refused."""
    times, decimals, found = into
    header = layout.header
    if len(row) != len(header):
        commas = (
            "; are these decimal commas? then separate columns by semicolons"
            if len(row) > len(header)
            else ""
        )
        raise ValueError(f"{len(row)} columns, the header has {len(header)}{commas}")
    times.add(decimals.point(times.name, row[layout.time], line), line)
    if layout.metric is None:
        cells = [(name, row[at]) for at, name in enumerate(header) if at != layout.time]
    elif not row[layout.metric]:
        raise ValueError("the metric has no name")
    else:
        cells = [(plain(row[layout.metric]), row[layout.value])]
    for name, text in cells:
        found.add(name, index, number(name, decimals.point(name, text, line)))
