"""Series from a CSV file, wide (`t,cpu,latency`: a column a metric) or long (`t,metric,value`: a row a sample).

The header decides: exactly `t,metric,value` is long. The first column is the time, called t, time or timestamp:
seconds or an ISO 8601 date (UTC where it has no zone). An empty value, NaN or null is a sample that is missing.
Samples keep the file's order.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import read_text
from pipeline.judge.evidence import Series

__all__ = ["read_series_csv", "read_timed_csv"]

Floats = NDArray[np.float64]

_LARGEST: Final = 100_000_000  # bytes
_LATEST: Final = 1e13  # seconds: thirty thousand years, or milliseconds of our time
_MOST: Final = 10  # problems told of one file
_TIMES: Final = ("t", "time", "timestamp")
_MISSING: Final = ("", "nan", "null")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def read_series_csv(path: Path) -> Mapping[str, Floats]:
    """Values by metric, NaN where a sample is missing. Raises ConfigError with problems as `FILE:LINE: what`."""
    return {name: series.value for name, series in read_timed_csv(path).items()}


def read_timed_csv(path: Path) -> Mapping[str, Series]:
    """As read_series_csv, with the times: seconds as they stand there, dates as Unix seconds."""
    rows = _rows(path)
    line, header = next(rows, (1, []))
    problems = _check(header)
    if problems:
        raise ConfigError(str(path), [f"{path}:{line}: {problem}" for problem in problems])
    series: dict[str, tuple[list[float], list[float]]] = {}
    long = header == ["t", "metric", "value"]
    if not long:
        series = {name: ([], []) for name in header[1:]}
    for line, row in rows:
        try:
            _take(series, header, row, long)
        except ValueError as error:
            problems.append(f"{path}:{line}: {error}")
        if len(problems) == _MOST:
            break
    if problems:
        raise ConfigError(str(path), problems)
    return {
        name: Series(np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64))
        for name, (times, values) in series.items()
    }


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line it ends in."""
    text = read_text(path, str(path), _LARGEST, encoding="utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise ConfigError(str(path), [f"{path}:{reader.line_num}: not CSV: {error}"]) from None


def _check(header: list[str]) -> list[str]:
    if not header:
        return ["the file is empty, not even a header"]
    if header[0] not in _TIMES:
        return [f"the first column is the time, called {', '.join(_TIMES)}; here it is {header[0][:40]!r}"]
    if len(header) == 1:
        return ["no column beside the time"]
    problems = ["a column has no name"] if "" in header else []
    twice = sorted({name for name in header if name and header.count(name) > 1})
    return problems + [f"the column {name[:40]!r} is there twice" for name in twice]


def _take(
    series: dict[str, tuple[list[float], list[float]]], header: list[str], row: list[str], long: bool
) -> None:
    if len(row) != len(header):
        raise ValueError(f"{len(row)} columns, the header has {len(header)}")
    t = _time(header[0], row[0])
    names, texts = header[1:], row[1:]
    if long:
        if not row[1]:
            raise ValueError("the metric has no name")
        names, texts = row[1:2], row[2:]
    values = [_number(name, text) for name, text in zip(names, texts, strict=True)]
    for name, value in zip(names, values, strict=True):
        times, samples = series.setdefault(name, ([], []))
        times.append(t)
        samples.append(value)


def _time(name: str, text: str) -> float:
    if _NUMBER.fullmatch(text):
        seconds = float(text)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            seconds = math.inf
        else:
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not abs(seconds) < _LATEST:
        raise ValueError(f"{name} is {text[:40]!r}, neither seconds nor an ISO 8601 date")
    return seconds


def _number(name: str, text: str) -> float:
    if text.lower() in _MISSING:
        return math.nan
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    if math.isinf(value):
        raise ValueError(f"{name[:40]} is {text[:40]!r}, not a number")
    return value
