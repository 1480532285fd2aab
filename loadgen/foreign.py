"""The requests in other loaders' formats, for what reads those: k6's CSV, and vegeta's JSON.

Latency counts from when a request was due in these, too. Of the address they have no query: it may hold a key.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from loadgen.plan import Plan
from loadgen.result import NEVER_SENT, Result

__all__ = ["K6Csv", "VegetaJson"]

_K6_COLUMNS: Final = (
    *(
        "metric_name",
        "timestamp",
        "metric_value",
        "check",
        "error",
        "error_code",
        "expected_response",
        "group",
    ),
    *("method", "name", "proto", "scenario", "service", "status", "subproto", "tls_version", "url"),
    *("extra_tags", "metadata"),
)
# k6's own numbers: docs "Error codes". Of a status from 400 on it is 1000 more.
_K6_ERRORS: Final = {"timeout": 1050, "connect": 1210, "reset": 1220}
_K6_OTHER_ERROR: Final = 1000
_FIRST_BAD_STATUS: Final = 400
_SECOND: Final = 1_000_000_000  # nanoseconds


class _File:
    """A text file of one line or more a request."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._url = plan.url.partition("#")[0].partition("?")[0]
        self._t0_unix = self._t0 = 0.0
        self._file = path.open("w", newline="", encoding="utf-8")

    def start(self, t0_unix: float, t0: float) -> None:
        self._t0_unix, self._t0 = t0_unix, t0

    def flush(self, t: float) -> None:  # noqa: ARG002 # the interface's
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _took(self, result: Result) -> float:
        """Seconds since it was due, until the answer's last byte or the failure."""
        if result.latency_us is not None:
            return result.latency_us / 1e6
        return max(0.0, result.answer.ended - self._t0 - result.t)


class K6Csv(_File):
    """What `k6 run --out csv=FILE` writes of requests, times in milliseconds (K6_CSV_TIME_FORMAT=unix_milli)."""

    def __init__(self, path: Path, plan: Plan) -> None:
        super().__init__(path, plan)
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._proto = "HTTP/1.1"

    def start(self, t0_unix: float, t0: float) -> None:
        super().start(t0_unix, t0)
        self._rows.writerow(_K6_COLUMNS)
        self._file.flush()

    def add(self, result: Result) -> None:
        took, answer, kind = self._took(result), result.answer, result.kind
        stamp = f"{(self._t0_unix + result.t + took) * 1000:.0f}"
        if answer.error == NEVER_SENT:
            self._row("dropped_iterations", stamp, 1, ("",) * 14)
            return
        expected = not answer.error and answer.status in kind.expect_status and answer.body_ok is not False
        status = 0 if answer.error else answer.status
        code: int | str = ""
        if answer.error:
            code = _K6_ERRORS.get(answer.error, _K6_OTHER_ERROR)
        elif status >= _FIRST_BAD_STATUS:
            code = 1000 + status
        tags = (
            *(answer.why if answer.error else "", code, "true" if expected else "false", ""),
            *(kind.method, kind.name or self._url, self._proto, "default", "", status, "", "", self._url),
            "",
        )
        self._row("http_reqs", stamp, 1, tags)
        self._row("http_req_duration", stamp, took * 1000, tags)
        self._row("http_req_failed", stamp, 0 if expected else 1, tags)

    def _row(self, metric: str, stamp: str, value: float, tags: tuple[object, ...]) -> None:
        self._rows.writerow((metric, stamp, f"{value:.6f}", "", *tags, ""))


class VegetaJson(_File):
    """What `vegeta encode --to json` writes, and `vegeta report` reads."""

    def __init__(self, path: Path, plan: Plan) -> None:
        super().__init__(path, plan)
        self._count = 0
        self._sent = 0 if plan.mix else len(plan.body or b"")  # of several requests it is not known

    def add(self, result: Result) -> None:
        answer = result.answer
        sent = answer.error != NEVER_SENT
        error = f"{answer.error}: {answer.why}" if answer.error else ""
        line = {
            "attack": "",
            "seq": self._count,
            "code": 0 if answer.error else answer.status,
            "timestamp": _rfc3339(self._t0_unix, result.t),
            "latency": round(self._took(result) * _SECOND),
            "bytes_out": self._sent if sent else 0,
            "bytes_in": answer.size,
            "error": error or ("" if answer.status < _FIRST_BAD_STATUS else str(answer.status)),
            "body": None,
            "method": result.kind.method,
            "url": self._url,
            "headers": None,
        }
        self._count += 1
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")


def _rfc3339(t0_unix: float, t: float) -> str:
    """An instant in microseconds.

    >>> _rfc3339(1790000000.0, 0.25)
    '2026-09-21T14:13:20.250000Z'
    """
    return datetime.fromtimestamp(t0_unix + t, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
