"""locust: a log of requests, with the columns that its `request` event has, or `--csv`'s history of statistics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.judge.evidence import Requests, Series
from pipeline.loadtests.recorded import OF_STATUS, LoadTest, Recorder, refuse
from pipeline.loadtests.stamps import Stamps
from pipeline.loadtests.textfile import TextFile, decimal, whole

__all__ = ["read", "recognises"]

_HISTORY: Final = ("Timestamp", "User Count", "Type", "Name")
_LOG: Final = ("start_time", "response_time", "exception")
_WINDOW: Final = 10  # seconds: locust's current percentiles are those of the last ten
_QUANTILES: Final = {"latency_p50": "50%", "latency_p99": "99%"}
_SUMMARY: Final = (
    "locust's history has no single requests: percentiles are those of ten seconds each, rounded by locust, so that "
    "small changes are hardly seen; new statuses, slow requests, sizes and bodies cannot be told"
)


def recognises(data: bytes) -> bool:
    """Whether locust, or a listener to its event, wrote this."""
    header = _header(data)
    return tuple(header[:4]) == _HISTORY or all(name in header for name in _LOG)


def read(path: Path, data: bytes) -> LoadTest:
    """Raises UsageError."""
    file = TextFile.of(path, data)
    return _history(file) if tuple(_header(data)[:4]) == _HISTORY else _log(file)


def _header(data: bytes) -> list[str]:
    first = data.split(b"\n", 1)[0].strip()
    return first.decode("utf-8", "replace").replace('"', "").split(",")


def _log(file: TextFile) -> LoadTest:
    path, rows, stamps = file.path, Recorder(file.path), Stamps(file.path)
    lines = file.rows()
    _, header = next(lines)
    at = {name: index for index, name in enumerate(header)}
    missing = [name for name in _LOG if name not in at]
    if missing:
        refuse(path, 1, f"no column {', '.join(missing)}")
    code = at.get("status_code")
    for line, row in lines:
        failed = row[at["exception"]] not in ("", "None")
        status = (
            whole(path, line, "status_code", row[code], empty=0) if code is not None else 0 if failed else 200
        )
        right = 200 <= status < 400
        rows.add(
            line,
            t=stamps.read(line, row[at["start_time"]]),
            latency=decimal(path, line, "response_time", row[at["response_time"]]) / 1000,
            status=status,
            size=whole(path, line, "response_length", row[at["response_length"]], empty=0)
            if "response_length" in at
            else None,
            # An answer that is right by its status, and failed all the same, was one that the test looked into.
            body_ok=0 if failed and right else 1 if right else -1,
            name=" ".join(row[at[name]] for name in ("request_type", "name") if name in at),
            expected=not failed,
        )
    without = frozenset({"new_statuses"}) if code is None else frozenset()
    return rows.finished("locust", tells=OF_STATUS - without)


@dataclass(slots=True)
class _History:
    """The rows of all requests together."""

    t: list[float]
    requests: list[int]
    failures: list[int]
    quantiles: dict[str, list[float]]


def _history(file: TextFile) -> LoadTest:
    found = _aggregated(file)
    if len(found.t) < 3:
        refuse(file.path, None, f"{len(found.t)} rows of all requests (Aggregated): too few for anything")
    t = np.asarray(found.t)
    total, failed = (_rises(column) for column in (found.requests, found.failures))
    ends = t[1:]
    summary = {
        "error_rate/hits": Series(ends, failed),
        "error_rate/total": Series(ends, total),
        "throughput": Series(ends, (total - failed) / np.maximum(np.diff(t), 1e-9)),
    }
    for name, values in found.quantiles.items():
        column = np.asarray(values)
        # Each is of the last ten seconds: of those that overlap only one tells something new.
        own = np.flatnonzero(np.diff(np.floor((t - t[0]) / _WINDOW), prepend=0) > 0)
        own = own[np.isfinite(column[own])]
        summary[name] = Series(t[own], column[own] / 1000)
    none, whole_ = np.zeros(0), np.zeros(0, dtype=np.int64)
    return LoadTest(
        file.path,
        "locust",
        clock=True,
        requests=Requests(none, none, whole_, whole_, whole_),
        tells=frozenset({"error_rate", "throughput", *_QUANTILES}),
        begin=float(t[0]),
        end=float(t[-1]),
        notes=(_SUMMARY,),
        summary=summary,
        step=float(_WINDOW),
    )


def _aggregated(file: TextFile) -> _History:
    path, found = file.path, _History([], [], [], {name: [] for name in _QUANTILES})
    lines, stamps = file.rows(), Stamps(file.path)
    _, header = next(lines)
    at = {name: index for index, name in enumerate(header)}
    missing = [
        name
        for name in (*_QUANTILES.values(), "Total Request Count", "Total Failure Count")
        if name not in at
    ]
    if missing:
        refuse(path, 1, f"no column {', '.join(missing)}")
    for line, row in lines:
        if row[at["Name"]] != "Aggregated":
            continue
        t = stamps.read(line, row[at["Timestamp"]])
        if found.t and t <= found.t[-1]:
            if t == found.t[-1]:
                continue  # at the end locust writes the last second again
            refuse(path, line, "an earlier time than in the row before: is this one test's file?")
        found.t.append(t)
        found.requests.append(whole(path, line, "Total Request Count", row[at["Total Request Count"]]))
        found.failures.append(whole(path, line, "Total Failure Count", row[at["Total Failure Count"]]))
        for name, column in _QUANTILES.items():
            text = row[at[column]]
            value = np.nan if text in ("N/A", "") else decimal(path, line, column, text)
            found.quantiles[name].append(value)
    return found


def _rises(counts: list[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How much a count rose from row to row; where statistics were reset it began again at 0."""
    now, before = np.asarray(counts[1:], dtype=np.float64), np.asarray(counts[:-1], dtype=np.float64)
    return np.where(now >= before, now - before, now)
