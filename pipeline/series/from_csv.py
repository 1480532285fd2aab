"""A configuration's metrics from two CSV files: the samples of each metric and version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.base.errors import UsageError
from pipeline.base.text import did_you_mean
from pipeline.judge.evidence import Series, usable
from pipeline.series.config import JudgeConfig
from pipeline.series.csvfile import SeriesTable, read_timed_csv, usual_step
from pipeline.series.metric import CsvSource, MetricConfig
from pipeline.series.samples import Samples, events, level, proportion, rises

__all__ = ["TwoTables", "read_tables"]

Floats = NDArray[np.float64]
_NONE = np.zeros(0)


_OTHER_UNIT = 100.0  # steps that are so many times longer than others are in another unit


@dataclass(frozen=True, slots=True, eq=False)
class TwoTables:
    """Both files, by version.

    Attributes:
        samples: of each metric.
        times: of all rows that the metrics have, also of those whose value is missing.
        since_1970: whether the times of both are.
    """

    samples: Mapping[str, Mapping[str, Samples]]
    times: Mapping[str, Floats]
    since_1970: bool


def read_tables(config: JudgeConfig, baseline: Path, canary: Path) -> TwoTables:
    """What the configuration's metrics have in the files.

    Raises ConfigError and UsageError when a file cannot be read, or the two do not go together.
    """
    paths = {"baseline": baseline, "canary": canary}
    tables = {arm: read_timed_csv(path) for arm, path in paths.items()}
    _same_clock(paths, tables)
    samples = {
        arm: {metric.name: _samples(metric, table.series, paths[arm]) for metric in config.metrics}
        for arm, table in tables.items()
    }
    _same_steps(config, paths, tables)
    columns = {name for metric in config.metrics for name in metric.columns()}
    times = {
        arm: np.unique(
            np.concatenate([_NONE, *(one.t for name, one in table.series.items() if name in columns)])
        )
        for arm, table in tables.items()
    }
    return TwoTables(samples, times, all(table.clock != "relative" for table in tables.values()))


def _same_clock(paths: Mapping[str, Path], tables: Mapping[str, SeriesTable]) -> None:
    """Dates without a zone are in one that only their writer knows: they go with others of their kind alone."""
    clocks = {arm: table.clock for arm, table in tables.items()}
    naive = [arm for arm, clock in clocks.items() if clock == "naive"]
    if len(naive) != 1:
        return
    other = "canary" if naive == ["baseline"] else "baseline"
    if clocks[other] in ("zoned", "epoch"):
        raise UsageError(
            f"{paths[naive[0]]}: its dates have no zone, but the times of {paths[other]} are known to the second",
            hint="end its dates with Z (UTC) or an offset such as +01:00",
        )


def _same_steps(config: JudgeConfig, paths: Mapping[str, Path], tables: Mapping[str, SeriesTable]) -> None:
    """Steps that are a hundred times those of the other file, or of the configuration, are in another unit."""
    steps = {str(paths[arm]): step for arm, table in tables.items() if (step := _step(table))}
    if config.step is not None:
        steps["the configuration (step:)"] = config.step
    if len(steps) < 2:
        return
    (short, least), *_, (long, most) = sorted(steps.items(), key=lambda item: item[1])
    if most >= _OTHER_UNIT * least:
        raise UsageError(
            f"{short} goes on by {least:.6g} s and {long} by {most:.6g} s: are both in one unit?",
            hint="name the unit in the time's column: t_s, t_ms, t_min",
        )


def _step(table: SeriesTable) -> float:
    """Of the series with the most samples: others may have rows only where something happened."""
    return usual_step(max((series.t for series in table.series.values()), key=len, default=_NONE))


def _samples(metric: MetricConfig, columns: Mapping[str, Series], path: Path) -> Samples:
    names = metric.columns()
    absent = [name for name in names if name not in columns]
    notes = tuple(
        f"{metric.name}: {path} has no column {name!r}{did_you_mean(name, columns)}" for name in absent
    )
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
