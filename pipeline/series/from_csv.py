"""A configuration's metrics from a CSV file: the samples of each metric of one version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.base.errors import UsageError
from pipeline.judge.evidence import Series, usable
from pipeline.series.config import CsvSource, JudgeConfig, MetricConfig
from pipeline.series.csvfile import read_timed_csv
from pipeline.series.samples import Samples, events, level, proportion, rises

__all__ = ["read_table"]

Floats = NDArray[np.float64]
_NONE = np.zeros(0)


def read_table(config: JudgeConfig, path: Path) -> Mapping[str, Samples]:
    """Samples by metric, times as in the file. Raises ConfigError and UsageError when the file does not fit."""
    columns = read_timed_csv(path)
    return {metric.name: _samples(metric, columns, path) for metric in config.metrics}


def _samples(metric: MetricConfig, columns: Mapping[str, Series], path: Path) -> Samples:
    names = metric.columns()
    absent = [name for name in names if name not in columns]
    notes = tuple(f"{metric.name}: {path} has no column {name!r}" for name in absent)
    if absent:
        return Samples(_NONE, _NONE, _NONE if metric.kind == "proportion" else None, notes=notes)
    counters = (metric.csv or CsvSource()).counters
    try:
        parts = [_column(columns[name], name, counters) for name in names]
        if metric.kind == "proportion":
            hits, total = parts
            return proportion(hits, total, zero=False, counted=counters)
        return events(*parts[0]) if metric.kind == "count" else level(*parts[0])
    except ValueError as error:
        raise UsageError(f"{path}: {metric.name}: {error}") from None


def _column(series: Series, name: str, counters: bool) -> tuple[Floats, Floats]:
    order = np.argsort(series.t, kind="stable")
    t, value = series.t[order], series.value[order]
    again = np.flatnonzero(np.diff(t) == 0)
    if len(again):
        raise ValueError(
            f"{name} has two samples at {t[again[0]]:.15g}; of several instances give the sum or the mean"
        )
    if not counters:
        return t, value
    known = usable(value)
    return rises(t[known], value[known], appeared=False)
