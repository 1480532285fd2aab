"""Load tests that were really run: tests/support/loadtests, recorded by record.sh there; and small ones made here."""

from __future__ import annotations

import csv
import functools
import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from loadgen.record import Recorder
from loadgen.result import Answer, Result

__all__ = ["RECORDED", "by_our_loader", "recorded", "text_of", "written"]

RECORDED: Final = Path(__file__).with_name("loadtests")


def recorded(name: str) -> Path:
    """One of the recorded files."""
    return RECORDED / name


@functools.cache
def text_of(name: str) -> str:
    """What a recorded file holds, unpacked."""
    return gzip.decompress(recorded(name).read_bytes()).decode()


def written(
    path: Path,
    header: Sequence[str],
    row: Callable[[float, float, int], Iterable[object]],
    *,
    seed: int = 0,
    seconds: int = 60,
    slower: float = 1.0,
    errors: float = 0.0,
) -> Path:
    """A file of 20 requests a second with latencies of about 50 ms; `row` gets Unix time, seconds and the status."""
    rng = np.random.default_rng(seed)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    if header:
        rows.writerow(header)
    for index in range(20 * seconds):
        status = 500 if rng.random() < errors else 200
        rows.writerow(row(1_796_000_000.25 + index / 20, slower * rng.lognormal(-3, 0.2), status))
    path.write_text(text.getvalue())
    return path


def by_our_loader(
    directory: Path,
    *,
    seed: int = 0,
    seconds: int = 60,
    slower: float = 1.0,
    errors: float = 0.0,
    late: float = 0.001,
    unsent: int = 0,
    unread: int = 0,
    servers: Sequence[str] = ("",),
) -> tuple[Path, Path]:
    """What our loader's own recorder writes of 20 requests a second: requests.csv and latency.hlog."""
    rng = np.random.default_rng(seed)
    directory.mkdir(parents=True, exist_ok=True)
    rows, log = directory / "requests.csv", directory / "latency.hlog"
    recorder = Recorder(rows, log)
    recorder.start(1_796_000_000.0)
    for index in range(20 * seconds):
        if index and index % 20 == 0:
            recorder.flush(index / 20)
        due, took = index / 20, slower * rng.lognormal(-3, 0.2)
        status = 500 if rng.random() < errors else 200
        error = "unsent" if index < unsent else "protocol" if index >= 20 * seconds - unread else ""
        answer = (
            Answer(due, error=error)
            if error
            else Answer(
                due + took, status, size=500, body_crc="0000002a", served_by=servers[index % len(servers)]
            )
        )
        recorder.add(Result(due, round(1e6 * late), None if error else round(1e6 * took), answer))
    recorder.flush(seconds)
    recorder.close()
    return rows, log
