"""The CSV files of a run directory as columns; plain or gzipped, and whole or cut off in the last row."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import RunDirectoryError

__all__ = ["RequestRows", "SeriesRows", "find_table", "read_requests", "read_series"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_REQUESTS = ("t", "latency_us", "status", "bytes", "body_ok", "served_by")
_SERIES = ("t", "arm", "metric", "value")


@dataclass(frozen=True, slots=True, eq=False)
class RequestRows:
    """All rows of requests.csv: units as in the judge's evidence; `served_by` as the proxy stamped it."""

    t: Floats
    latency: Floats
    status: Ints
    body_ok: Ints
    size: Ints
    served_by: NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesRows:
    """All rows of series.csv."""

    t: Floats
    arm: NDArray[np.str_]
    metric: NDArray[np.str_]
    value: Floats


def find_table(directory: Path, name: str) -> Path | None:
    """The plain file where there is one (compressing removes it last), else the gzipped one."""
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def read_requests(path: Path) -> RequestRows:
    """Reads requests.csv[.gz]. Raises RunDirectoryError with the line that is wrong."""
    t, latency, status, size, body_ok, served_by = _columns(path, _REQUESTS)
    return RequestRows(
        t=_floats(path, "t", t),
        latency=_floats(path, "latency_us", latency) / 1e6,
        status=_ints(path, "status", status, empty=0),
        body_ok=_ints(path, "body_ok", body_ok, empty=-1),
        size=_ints(path, "bytes", size, empty=0),
        served_by=np.asarray(served_by, dtype=np.str_),
    )


def read_series(path: Path) -> SeriesRows:
    """Reads series.csv[.gz]. Raises RunDirectoryError with the line that is wrong."""
    t, arm, metric, value = _columns(path, _SERIES)
    return SeriesRows(
        t=_floats(path, "t", t),
        arm=np.asarray(arm, dtype=np.str_),
        metric=np.asarray(metric, dtype=np.str_),
        value=_floats(path, "value", value),
    )


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        return data.decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"{path}: cannot be read: {error}") from error


def _lines(path: Path) -> list[str]:
    lines = _text(path).split("\n")
    # What follows the last line feed was cut off while being written: no row to count on.
    return [line.rstrip("\r") for line in lines[:-1]]


def _columns(path: Path, wanted: Sequence[str]) -> list[list[str]]:
    lines = _lines(path)
    if not lines:
        raise RunDirectoryError(f"{path}: is empty, not even a header", hint="start the run again")
    header = lines[0].split(",")
    missing = [name for name in wanted if name not in header]
    if missing:
        raise RunDirectoryError(f"{path}:1: no column {', '.join(missing)}")
    rows = list(_rows(path, lines, len(header)))
    return [[row[header.index(name)] for row in rows] for name in wanted]


def _rows(path: Path, lines: list[str], width: int) -> Iterator[list[str]]:
    try:
        for number, row in enumerate(csv.reader(lines[1:], strict=True), start=2):
            if len(row) != width:
                raise RunDirectoryError(f"{path}:{number}: {len(row)} columns, the header has {width}")
            yield row
    except csv.Error as error:
        raise RunDirectoryError(f"{path}: no CSV file: {error}") from error


def _floats(path: Path, name: str, column: list[str]) -> Floats:
    values = [text or "nan" for text in column]
    try:
        return np.asarray([float(text) for text in values], dtype=np.float64)
    except ValueError as error:
        raise _bad(path, name, values, float) from error


def _ints(path: Path, name: str, column: list[str], *, empty: int) -> Ints:
    values = [text or str(empty) for text in column]
    try:
        return np.asarray([int(text) for text in values], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise _bad(path, name, values, lambda text: np.int64(int(text))) from error


def _bad(path: Path, name: str, values: list[str], convert: Callable[[str], object]) -> RunDirectoryError:
    for number, text in enumerate(values, start=2):
        try:
            convert(text)
        except (ValueError, OverflowError):
            return RunDirectoryError(f"{path}:{number}: {name} is {text[:40]!r}, not a number")
    return RunDirectoryError(f"{path}: {name} holds what is no number")
