"""The CSV files of a run directory: series.csv is written here, and both are read as columns.

They may be plain or gzipped, whole, cut off in the last row, or still growing.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from loadgen.cells import plain
from pipeline.base.errors import RunDirectoryError
from pipeline.base.files import naming
from pipeline.base.text import reason_of

__all__ = [
    "GrowingTable",
    "RequestRows",
    "SeriesRows",
    "SeriesWriter",
    "find_table",
    "parse_requests",
    "read_requests",
    "read_series",
]

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]

_REQUESTS: Final = ("t", "latency_us", "status", "error", "bytes", "body_ok", "body_crc", "served_by")
_LATER: Final = ("waited_us", "request")  # older runs have no such columns
_SERIES: Final = ("t", "arm", "metric", "value")


@dataclass(frozen=True, slots=True, eq=False)
class RequestRows:
    """All rows of requests.csv, in the units of the judge's evidence.

    `served_by` is what the proxy stamped, `error` the loader's word for what went wrong; both may be empty. `waited` is
    for how many seconds the request waited in the loader, because all its connections were taken. `request` is its
    name; empty where all are of one kind.
    """

    t: _Floats
    latency: _Floats
    status: _Ints
    body_ok: _Ints
    size: _Ints
    body: _Ints
    served_by: NDArray[np.str_]
    error: NDArray[np.str_]
    waited: _Floats
    request: NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesRows:
    """All rows of series.csv."""

    t: _Floats
    arm: NDArray[np.str_]
    metric: NDArray[np.str_]
    value: _Floats


def find_table(directory: Path, name: str) -> Path | None:
    """The plain file where there is one (compressing removes it last), else the gzipped one."""
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def read_requests(path: Path) -> RequestRows:
    """Reads requests.csv[.gz]. Raises RunDirectoryError with the line that is wrong."""
    return _requests(_whole(path))


def parse_requests(path: Path, lines: Sequence[str]) -> RequestRows:
    """As read_requests, of a file's whole lines, the header first."""
    return _requests(_Lines(path, lines[0], lines[1:], 2))


def read_series(path: Path) -> SeriesRows:
    """Reads series.csv[.gz]. Raises RunDirectoryError with the line that is wrong."""
    return _series(_whole(path))


_Rows = TypeVar("_Rows", RequestRows, SeriesRows)


class GrowingTable(Generic[_Rows]):
    """A plain table that another process appends to. Each `read` parses only what is new since the last one."""

    def __init__(self, path: Path, parse: Callable[[_Lines], _Rows]) -> None:
        self._path = path
        self._parse: Callable[[_Lines], _Rows] = parse
        self._offset = 0
        self._header = ""
        self._number = 1
        self._rows: _Rows | None = None

    @classmethod
    def requests(cls, path: Path) -> GrowingTable[RequestRows]:
        """requests.csv of a run that lasts."""
        return GrowingTable(path, _requests)

    @classmethod
    def series(cls, path: Path) -> GrowingTable[SeriesRows]:
        """series.csv of a run that lasts."""
        return GrowingTable(path, _series)

    def read(self) -> _Rows | None:
        """All whole rows so far, None before the header is there. Raises RunDirectoryError with the wrong line."""
        lines = self._new_lines()
        if lines and not self._header:
            self._header = lines.pop(0)
        if self._header and (lines or self._rows is None):
            rows = self._parse(_Lines(self._path, self._header, lines, self._number + 1))
            self._number += len(lines)
            self._rows = rows if self._rows is None else _joined(self._rows, rows)
        return self._rows

    def _new_lines(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]  # a row that is being written comes next time
            text = whole.decode("utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise RunDirectoryError(f"{self._path}: cannot be read: {reason_of(error)}") from error
        self._offset += len(whole)
        return _split(text)


class SeriesWriter:
    """Writes series.csv; line-buffered, so that a killed process loses no whole line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", buffering=1, newline="", encoding="utf-8")
        self._csv = csv.writer(self._file, lineterminator="\n")
        try:
            with naming(path):
                self._csv.writerow(_SERIES)
        except OSError:
            with contextlib.suppress(OSError):
                self._file.close()
            raise

    def __call__(self, t: float, arm: str, metric: str, value: float) -> None:
        """One sample: `t` seconds since the run's start, `value` in the metric's unit."""
        with naming(self._path):
            self._csv.writerow((f"{t:.3f}", arm, metric, f"{value:.10g}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with naming(self._path):
            self._file.close()


def _joined(before: _Rows, after: _Rows) -> _Rows:
    columns = (
        np.concatenate((getattr(before, field.name), getattr(after, field.name))) for field in fields(before)
    )
    return type(before)(*columns)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of a table, without their ends; the first of them is line `number` of the file."""

    path: Path
    header: str
    lines: Sequence[str]
    number: int


def _whole(path: Path) -> _Lines:
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        lines = _split(data.decode("utf-8"))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"{path}: cannot be read: {reason_of(error)}") from error
    if not lines:
        raise RunDirectoryError(f"{path}: is empty, not even a header", hint="start the run again")
    return _Lines(path, lines[0], lines[1:], 2)


def _split(text: str) -> list[str]:
    # What follows the last line feed was cut off while being written: no row to count on.
    return [line.rstrip("\r") for line in text.split("\n")[:-1]]


def _requests(lines: _Lines) -> RequestRows:
    known = lines.header.split(",")
    later = [name for name in _LATER if name in known]
    t, latency, status, failure, size, body_ok, body, served_by, *rest = _columns(lines, (*_REQUESTS, *later))
    waited, request = (dict(zip(later, rest, strict=True)).get(name, [""] * len(t)) for name in _LATER)
    return RequestRows(
        t=_floats(lines, "t", t),
        latency=_floats(lines, "latency_us", latency) / 1e6,
        status=_ints(lines, "status", status, empty=0),
        body_ok=_ints(lines, "body_ok", body_ok, empty=-1),
        size=_ints(lines, "bytes", size, empty=0),
        body=_ints(lines, "body_crc", body, empty=0, base=16),
        served_by=np.asarray([plain(name) for name in served_by], dtype=np.str_),
        error=np.asarray(failure, dtype=np.str_),
        waited=_ints(lines, "waited_us", waited, empty=0) / 1e6,
        request=np.asarray(request, dtype=np.str_),
    )


def _series(lines: _Lines) -> SeriesRows:
    t, arm, metric, value = _columns(lines, _SERIES)
    return SeriesRows(
        t=_floats(lines, "t", t),
        arm=np.asarray(arm, dtype=np.str_),
        metric=np.asarray(metric, dtype=np.str_),
        value=_floats(lines, "value", value),
    )


def _columns(lines: _Lines, wanted: Sequence[str]) -> list[list[str]]:
    header = lines.header.split(",")
    missing = [name for name in wanted if name not in header]
    if missing:
        raise RunDirectoryError(f"{lines.path}:1: no column {', '.join(missing)}")
    rows = list(_rows(lines, len(header)))
    return [[row[at] for row in rows] for at in map(header.index, wanted)]


def _rows(lines: _Lines, width: int) -> Iterator[list[str]]:
    try:
        for number, row in enumerate(csv.reader(lines.lines, strict=True), start=lines.number):
            if len(row) != width:
                raise RunDirectoryError(f"{lines.path}:{number}: {len(row)} columns, the header has {width}")
            yield row
    except csv.Error as error:
        raise RunDirectoryError(f"{lines.path}: no CSV file: {reason_of(error)}") from error


def _floats(lines: _Lines, name: str, column: list[str]) -> _Floats:
    values = [text or "nan" for text in column]
    try:
        return np.asarray([float(text) for text in values], dtype=np.float64)
    except ValueError as error:
        raise _bad(lines, name, values, float) from error


def _ints(lines: _Lines, name: str, column: list[str], *, empty: int, base: int = 10) -> _Ints:
    values = [text or str(empty) for text in column]
    try:
        return np.asarray([int(text, base) for text in values], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise _bad(lines, name, values, lambda text: np.int64(int(text, base))) from error


def _bad(lines: _Lines, name: str, values: list[str], convert: Callable[[str], object]) -> RunDirectoryError:
    for number, text in enumerate(values, start=lines.number):
        try:
            convert(text)
        except (ValueError, OverflowError):
            return RunDirectoryError(f"{lines.path}:{number}: {name} is {text[:40]!r}, not a number")
    return RunDirectoryError(f"{lines.path}: {name} holds what is no number")
