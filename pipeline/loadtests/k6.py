"""k6: `--out csv=FILE` and `--out json=FILE`. Of its rows those of http_req_duration are the requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pipeline.base.text import printable
from pipeline.loadtests.jsonlines import first_object, objects
from pipeline.loadtests.recorded import OF_STATUS, LoadTest, Recorder, refuse
from pipeline.loadtests.stamps import Stamps
from pipeline.loadtests.textfile import TextFile, decimal, whole

__all__ = ["read", "recognises"]

_HEADER: Final = "metric_name,timestamp,metric_value"
_REQUEST: Final = "http_req_duration"
_DROPPED: Final = "dropped_iterations"
_SECONDS: Final = (
    "k6 stamped its rows with whole seconds: a request counts in the second in which it ended, and when in that it was "
    "sent is not known (K6_CSV_TIME_FORMAT=unix_milli keeps milliseconds)"
)


def recognises(data: bytes) -> bool:
    """Whether k6 wrote this."""
    return data.startswith(_HEADER.encode()) or _is_point(first_object(data))


def read(path: Path, data: bytes) -> LoadTest:
    """Raises UsageError."""
    file = TextFile.of(path, data)
    rows = _Rows(path)
    if file.lines[0].startswith(_HEADER):
        _csv(file, rows)
    else:
        for line, one in objects(file):
            if not _is_point(one):
                refuse(path, line, "not a line of k6's JSON output: no metric, type and data")
            if one["type"] == "Point":
                _point(rows, line, one)
    return rows.finished()


class _Rows:
    """The requests, and what else of k6's rows matters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._recorder = Recorder(path)
        self._stamps = Stamps(path)
        self._dropped = 0.0
        self._status = False
        # Known only at the end: whether all times are whole seconds.
        self._requests: list[tuple[int, float, float, Mapping[str, str]]] = []

    def add(self, line: int, metric: str, at: str, value: float, tags: Mapping[str, str]) -> None:
        if metric == _DROPPED:
            self._dropped += value
        if metric != _REQUEST:
            return
        if not 0 <= value < math.inf:
            refuse(self.path, line, f"{_REQUEST} is {value:g}: a time is never below 0")
        self._status |= "status" in tags
        self._requests.append((line, self._stamps.read(line, at), value / 1000, tags))

    def finished(self) -> LoadTest:
        coarse = self._stamps.whole_seconds
        for line, end, latency, tags in self._requests:
            status = whole(
                self.path, line, "status", tags.get("status", ""), empty=0 if self._status else 200
            )
            error = tags.get("error_code", "")
            self._recorder.add(
                line,
                # k6 stamps the end of a request.
                t=end + (0.5 if coarse else 0.0) - latency,
                latency=latency,
                status=status,
                error="failed" if status == 0 or (error and not error.startswith(("14", "15"))) else "",
                name=tags.get("name", ""),
                expected={"true": True, "false": False}.get(tags.get("expected_response", "")),
            )
        said = (_SECONDS,) if coarse else ()
        test = self._recorder.finished("k6", notes=said, tells=OF_STATUS if self._status else frozenset())
        if coarse:
            test = replace(test, begin=math.floor(test.begin), end=math.floor(test.end) + 1.0, step=1.0)
        return replace(test, unsent=round(self._dropped))


def _csv(file: TextFile, rows: _Rows) -> None:
    lines = file.rows()
    _, header = next(lines)
    at = {name: index for index, name in enumerate(header)}
    wanted = [name for name in ("status", "error_code", "name", "expected_response") if name in at]
    for line, row in lines:
        metric = row[0]
        if metric not in (_REQUEST, _DROPPED):
            continue
        value = decimal(file.path, line, "metric_value", row[2])
        rows.add(line, metric, row[1], value, {name: row[at[name]] for name in wanted})


def _is_point(one: Mapping[str, Any]) -> bool:
    return one.get("type") in ("Metric", "Point") and "metric" in one and isinstance(one.get("data"), Mapping)


def _point(rows: _Rows, line: int, one: Mapping[str, Any]) -> None:
    metric, data = one["metric"], one["data"]
    if metric not in (_REQUEST, _DROPPED):
        return
    at, value, tags = data.get("time"), data.get("value"), data.get("tags") or {}
    if not isinstance(at, str) or not isinstance(value, int | float) or not isinstance(tags, Mapping):
        refuse(rows.path, line, f"a point of {printable(str(metric), 40)} without time, value and tags")
    rows.add(line, metric, at, float(value), {str(key): str(text) for key, text in tags.items()})
