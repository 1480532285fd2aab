"""A run directory with as many samples as a test needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.runs.directory import Run, load, write_record
from pipeline.runs.record import Record

__all__ = ["HEADER", "NAMED", "RUN", "WAITED", "broken", "dealt_run", "row", "whole_run", "write"]

HEADER = "t,lateness_us,latency_us,status,error,bytes,body_ok,body_crc,served_by"
WAITED = f"{HEADER},waited_us"
NAMED = f"{WAITED},request"
SPANS = [
    ("baseline", "warmup", 0, 2),
    ("baseline", "measure", 2, 62),
    ("canary", "warmup", 62, 64),
    ("canary", "measure", 64, 124),
]
PHASES = [{"arm": arm, "kind": kind, "start": start, "end": end} for arm, kind, start, end in SPANS]
RUN: dict[str, Any] = {
    "format": 1,
    "t0_unix": 1790000000.123456,
    "profile": {"policy": {"pass_score": 80}, "expect": {"status": 200}},
    "phases": PHASES,
    "problems": [{"effect": "note", "message": "the books agree"}],
}


def dealt_run(share: float = 0.5) -> dict[str, Any]:
    """RUN with both versions measured at once from second 2 to 62."""
    phases = [
        {"arm": arm, "kind": kind, "start": start, "end": end}
        for kind, start, end in (("warmup", 0, 2), ("measure", 2, 62))
        for arm in ("baseline", "canary")
    ]
    settings = {"schedule": "concurrent", "share": share, "rate": 50.0, "duration": 60.0}
    return {**RUN, "phases": phases, "settings": settings}


def write(
    path: Path,
    rows: list[str],
    series: list[str] | None = None,
    run: dict[str, Any] = RUN,
    header: str = HEADER,
) -> Run:
    write_record(path, Record.from_dict(run))
    (path / "requests.csv").write_text("\n".join([header, *rows, ""]))
    (path / "series.csv").write_text("\n".join(["t,arm,metric,value", *(series or []), ""]))
    return load(path)


def row(t: float, served_by: str, *, latency_us: str = "6000", status: int = 200, body_ok: str = "1") -> str:
    return f"{t:.6f},12,{latency_us},{status},,5475,{body_ok},0a1b2c3d,{served_by}"


def broken(t: float, error: str, *, status: int = 0, served_by: str = "", waited_us: int = 0) -> str:
    """A request without a whole answer, as loaders since `waited_us` write it: to be used with WAITED."""
    return f"{t:.6f},12,,{status},{error},512,,,{served_by},{waited_us}"


def whole_run(rate: int = 50) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(1)
    rows, series = [], []
    for arm, _, start, end in SPANS:
        colour = {"baseline": "blue", "canary": "green"}[arm]
        times = np.arange(start * rate, end * rate) / rate
        rows += [row(t, colour, latency_us=str(rng.integers(5000, 7000))) for t in times]
        for second in range(start, end):
            for metric in ("service_cpu", "service_memory", "service_restarts", "host_cpu", "up"):
                value = {"service_memory": 7e7, "service_restarts": 0.0}.get(
                    metric, 0.5 + 0.01 * rng.random()
                )
                series.append(f"{second + 0.5},{arm},{metric},{value}")
    return rows, series
