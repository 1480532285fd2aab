"""Our own loader's requests.csv, plain or gzipped, of one version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.judge.evidence import Requests
from pipeline.loadtests.recorded import OF_BODY, OF_LATENCY, OF_SIZE, OF_STATUS, LoadTest, refuse
from pipeline.loadtests.textfile import TextFile
from pipeline.runs.evidence import OWN_FAILURES
from pipeline.runs.tables import parse_requests

__all__ = ["read", "recognises"]

_UNSENT: Final = "unsent"


def recognises(data: bytes) -> bool:
    """Whether our loader wrote this."""
    cells = data.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip().split(b",")
    return cells[0] == b"t" and {b"latency_us", b"status", b"served_by"} <= set(cells)


def read(path: Path, data: bytes) -> LoadTest:
    """Raises UsageError."""
    rows = parse_requests(path, TextFile.of(path, data).lines)
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
    )
    checked = bool(np.any(requests.body_ok >= 0))
    begin, last = float(rows.t.min()), float(rows.t.max())
    test = LoadTest(
        path,
        "pipeline's loader",
        clock=False,
        requests=requests,
        tells=OF_LATENCY | OF_STATUS | OF_SIZE | (OF_BODY if checked else frozenset()),
        begin=begin,
        end=last + (last - begin) / max(len(rows.t) - 1, 1),
    )
    return replace(test, unsent=int(unsent.sum()), own_failures=int(unread.sum()))
