"""Writes series.csv: a row a sample, as it comes, so that a run that breaks off keeps what it measured."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["SeriesWriter"]


class SeriesWriter:
    """`t,arm,metric,value`; line-buffered, so that a killed process loses no whole line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", buffering=1, newline="", encoding="utf-8")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(("t", "arm", "metric", "value"))

    def __call__(self, t: float, arm: str, metric: str, value: float) -> None:
        """One sample: `t` seconds since the run's start, `value` in the metric's unit."""
        self._csv.writerow((f"{t:.3f}", arm, metric, f"{value:.10g}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
