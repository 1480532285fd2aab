"""Series that were fetched, as CSV files: the same configuration judges them again without the server."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from loadgen.cells import cell
from pipeline.base.errors import EnvironmentError_
from pipeline.base.files import write_whole
from pipeline.base.text import reason_of
from pipeline.series.config import JudgeConfig
from pipeline.series.metric import CsvSource
from pipeline.series.samples import Samples

__all__ = ["save"]


def save(config: JudgeConfig, samples: Mapping[str, Mapping[str, Samples]], directory: Path) -> None:
    """Write baseline.csv and canary.csv (`t,metric,value`, t in Unix seconds). Raises EnvironmentError_."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for arm, own in samples.items():
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(["t", "metric", "value"])
            writer.writerows((t, cell(name), value) for t, name, value in _rows(config, own))
            write_whole(directory / f"{arm}.csv", text.getvalue())
    except OSError as error:
        raise EnvironmentError_(f"{directory}: the series cannot be kept: {reason_of(error)}") from None


def _rows(config: JudgeConfig, samples: Mapping[str, Samples]) -> Iterator[tuple[str, str, str]]:
    for metric in config.metrics:
        one = samples[metric.name]
        columns = [one.value] if one.total is None else [one.value, one.total]
        counters = (metric.csv or CsvSource()).counters
        for name, column in zip(metric.columns(), columns, strict=True):
            values = np.cumsum(column) if counters else column
            if counters and len(one):
                yield f"{one.t[0] - 1:.3f}", name, "0"  # what the first rise is counted from
            for t, value in zip(one.t, values, strict=True):
                yield f"{t:.3f}", name, f"{value:.17g}"
