"""Our own loader's requests.csv, plain or gzipped, of one version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.judge.evidence import Requests
from pipeline.loadtests.recorded import OF_BODY, OF_LATENCY, OF_SIZE, OF_STATUS, LoadTest, refuse
from pipeline.loadtests.textfile import TextFile, whole
from pipeline.runs.evidence import OWN_FAILURES
from pipeline.runs.tables import parse_requests

__all__ = ["read", "recognises"]

_UNSENT: Final = "unsent"
_LATE: Final = "lateness_us"
_MOST_LATE: Final = 0.1  # seconds: as the loader itself has it


def recognises(data: bytes) -> bool:
    """Whether our loader wrote this."""
    cells = data.split(b"\n", 1)[0].strip().split(b",")
    return cells[0] == b"t" and {b"latency_us", b"status", b"served_by"} <= set(cells)


def read(path: Path, data: bytes) -> LoadTest:
    """Raises UsageError."""
    file = TextFile.of(path, data)
    rows = parse_requests(path, file.lines)
    servers = sorted(set(np.unique(rows.served_by).tolist()) - {""})
    if len(servers) > 1:
        refuse(
            path,
            None,
            f"answers of {' and '.join(servers[:4])}: one file holds one version's",
            "of a run of ours: pipeline judge DIRECTORY",
        )
    if len(rows.t) == 0:
        refuse(path, 1, "not a single request: was the test over before it began?")
    late = (rows.error == "timeout") & (rows.served_by == "") & (rows.waited > 0)
    unsent = (rows.error == _UNSENT) | late
    unread = np.isin(rows.error, list(OWN_FAILURES))
    kept = np.flatnonzero(~unsent & ~unread)
    kept = kept[np.argsort(rows.t[kept], kind="stable")]
    requests = Requests(
        rows.t[kept],
        rows.latency[kept],
        rows.status[kept],
        rows.body_ok[kept],
        rows.size[kept],
        rows.body[kept],
        rows.error[kept],
        rows.request[kept] if np.any(rows.request != "") else rows.request[:0],
    )
    checked = bool(np.any(requests.body_ok >= 0))
    begin, last = float(rows.t.min()), float(rows.t.max())
    lateness = _lateness(file)
    test = LoadTest(
        path,
        "pipeline's loader",
        clock=False,
        requests=requests,
        tells=OF_LATENCY | OF_STATUS | OF_SIZE | (OF_BODY if checked else frozenset()),
        begin=begin,
        end=last + (last - begin) / max(len(rows.t) - 1, 1),
    )
    broken = ""
    if lateness > _MOST_LATE:
        broken = (
            f"the loader itself was late: p99 {1000 * lateness:.0f} ms, {1000 * _MOST_LATE:.0f} ms are allowed: its "
            "machine was too busy"
        )
    return replace(test, unsent=int(unsent.sum()), own_failures=int(unread.sum()), broken=broken)


def _lateness(file: TextFile) -> float:
    """The 99th percentile of how late the loader got to its requests, in seconds; 0: the file does not tell."""
    lines = file.rows()
    _, header = next(lines)
    if _LATE not in header:
        return 0.0
    at = header.index(_LATE)
    values = [whole(file.path, line, _LATE, row[at], empty=0) for line, row in lines]
    return float(np.quantile(values, 0.99)) / 1e6
