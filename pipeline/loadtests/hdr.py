"""HdrHistogram's logs: a histogram of latencies for each interval, and nothing about errors."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.base.errors import EnvironmentError_
from pipeline.base.text import printable
from pipeline.judge.evidence import Requests
from pipeline.loadtests.recorded import OF_LATENCY, LoadTest, refuse
from pipeline.loadtests.textfile import TextFile, decimal

__all__ = ["read", "recognises"]

_VERSION: Final = b"#[Histogram log format version"
_LEGEND: Final = '"StartTimestamp"'
_UNIT: Final = re.compile(r"\b(nano|micro|milli)seconds\b", re.IGNORECASE)
_UNITS: Final = {"nano": 1e-9, "micro": 1e-6, "milli": 1e-3}
_TIME: Final = re.compile(r"#\[(StartTime|BaseTime): *([\d.]+)")
_YEAR: Final = 366 * 86_400.0
_MOST: Final = 20_000_000  # requests
_SAID: Final = (
    "a histogram has no statuses: which requests failed is not known, nor anything of sizes and bodies; of a request "
    "only its interval is known"
)


@dataclass(frozen=True, slots=True)
class _Interval:
    start: float
    seconds: float
    latency: NDArray[np.float64]


def recognises(data: bytes) -> bool:
    """Whether this is such a log."""
    head = data[:4000]
    return _VERSION in head or _LEGEND.encode() in head


def read(path: Path, data: bytes) -> LoadTest:
    """Raises UsageError; EnvironmentError_: HdrHistogram's package is not installed."""
    file = TextFile.of(path, data)
    unit, given = _unit(file), dict[str, float]()
    intervals, tags, total = list[_Interval](), set[str](), 0
    for number, line in enumerate(file.lines, 1):
        if not line.strip() or line.startswith(("#", _LEGEND)):
            if match := _TIME.match(line):
                given[match[1]] = decimal(path, number, match[1], match[2])
            continue
        tag, interval = _interval(path, number, line, unit)
        tags.add(tag)
        intervals.append(interval)
        total += len(interval.latency)
        if total > _MOST:
            refuse(path, number, f"more than {_MOST:,} answers: let the test run shorter")
    if len(tags) > 1:
        names = ", ".join(sorted(tag or "(none)" for tag in tags))
        refuse(path, None, f"histograms of several tags, {names}: one file holds one version's")
    if total == 0:
        refuse(path, None, "not a single answer in its histograms")
    base = given.get("BaseTime", 0.0)
    if "BaseTime" not in given and intervals[0].start < given.get("StartTime", 0.0) - _YEAR:
        base = given["StartTime"]  # then times count from there, as HdrHistogram's own reader has it
    return _test(path, intervals, base)


def _test(path: Path, intervals: list[_Interval], base: float) -> LoadTest:
    t = np.concatenate([np.full(len(one.latency), one.start + one.seconds / 2) for one in intervals]) + base
    latency = np.concatenate([one.latency for one in intervals])
    order = np.argsort(t, kind="stable")
    n = len(t)
    answered, none = np.full(n, 200), np.full(n, -1)
    begin = base + min(one.start for one in intervals)
    test = LoadTest(
        path,
        "HdrHistogram",
        clock=begin > _YEAR,
        requests=Requests(t[order], latency[order], answered, none, np.zeros(n, dtype=np.int64)),
        tells=OF_LATENCY - {"throughput"},  # answers, good or not
        begin=begin,
        end=base + max(one.start + one.seconds for one in intervals),
        notes=(_SAID,),
    )
    return replace(test, step=float(np.median([one.seconds for one in intervals])))


def _unit(file: TextFile) -> float:
    comments = (_UNIT.search(line) for line in file.lines if line.startswith("#"))
    found = next(filter(None, comments), None)
    if found is None:
        refuse(
            file.path,
            None,
            "does not say in which unit its values are",
            "add a line: #[Values are microseconds] (as wrk2 has them; or nanoseconds, milliseconds)",
        )
    return _UNITS[found[1].lower()]


def _interval(path: Path, number: int, line: str, unit: float) -> tuple[str, _Interval]:
    cells = line.split(",")
    tag = cells.pop(0).removeprefix("Tag=") if line.startswith("Tag=") else ""
    if len(cells) != 4:
        refuse(path, number, f"not an interval of a histogram log: {printable(line, 40)!r}")
    start, seconds = (
        decimal(path, number, "StartTimestamp", cells[0]),
        decimal(path, number, "length", cells[1]),
    )
    if not 0 <= start < 1e11 or not 0 < seconds <= 3600:
        refuse(path, number, f"an interval of {seconds:g} s from {start:g} s on is none")
    try:
        values, counts = _decoded(cells[3].strip())
    except ImportError:
        raise EnvironmentError_(
            f"{path}: histogram logs need a package that is not installed: hdrhistogram",
            hint="pip install 'pipeline-canary[canary]'",
        ) from None
    except Exception as error:  # each of its errors is of a class of its own, below Exception alone
        refuse(
            path,
            number,
            f"the histogram cannot be decoded: {printable(str(error), 80) or type(error).__name__}",
        )
    return tag, _Interval(start, seconds, np.repeat(values * unit, counts))


def _decoded(text: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values that were counted, each the middle of those that the histogram does not tell apart, and how often."""
    from hdrh.histogram import HdrHistogram

    counted = HdrHistogram.decode(text)
    counts = np.ctypeslib.as_array(counted.counts).astype(np.int64)
    at = np.flatnonzero(counts)
    lowest = [counted.get_value_from_index(int(index)) for index in at]
    middle = [(value + counted.get_highest_equivalent_value(value)) / 2 for value in lowest]
    return np.asarray(middle, dtype=np.float64), counts[at]
