"""CSV files as exporters write them: one truth in any layout, separator, decimal mark, unit and form of its times."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

__all__ = ["HARMS", "NOON", "Dialect", "Truth", "any_dialect", "rows_of", "truth", "written"]

NOON: Final = 1_767_268_800  # 2026-01-01T12:00:00Z
STEP: Final = 15
METRICS: Final = ("latency", "errors", "requests", "memory")
HARMS: Final = ("none", "slow", "failing", "leaking")
_MISSING: Final = ("", "NaN", "nan", "N/A", "null", "NULL", "None", "undefined", "-", "#N/A")

Values = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Truth:
    """What was measured: a row each 15 s, NaN where a sample is missing; `harm` is one of HARMS."""

    harm: str
    times: list[float]  # seconds since 1970
    values: Values


def truth(rng: random.Random, harm: str, rows: int = 40) -> Truth:
    """One version's series: alike for all seeds, but for its harm. A sample in a hundred is missing."""
    values: Values = {name: [] for name in METRICS}
    for i in range(rows):
        requests = rng.randint(180, 220)
        share = 0.2 if harm == "failing" else 0.001
        row = {
            "latency": rng.lognormvariate(-4, 0.05) * (1.6 if harm == "slow" else 1),
            "errors": float(sum(rng.random() < share for _ in range(requests))),
            "requests": float(requests),
            "memory": 80e6 + rng.gauss(0, 1e5) + (5e6 * i if harm == "leaking" else 0),
        }
        for name, value in row.items():
            values[name].append(math.nan if rng.random() < 0.01 else float(f"{value:.6g}"))
    return Truth(harm, [float(NOON + STEP * i) for i in range(rows)], values)


def _iso(form: str, zone: timezone = UTC) -> Callable[[float], str]:
    return lambda t: datetime.fromtimestamp(t, UTC).astimezone(zone).strftime(form)


def _counted(factor: int, digits: int = 0, begin: float = 0.0) -> Callable[[float], str]:
    return lambda t: f"{(t - begin) * factor:.{digits}f}"


_WITHOUT_UNIT: Final = ("t", "ts", "Time", "time", "TIMESTAMP", "timestamp", "Date", "_time", "@timestamp")
# How times are written, and under which names; beginning at 0 where "relative" says so.
_CLOCKS: Final[dict[str, tuple[tuple[str, ...], Callable[[float], str]]]] = {
    "seconds": ((*_WITHOUT_UNIT, "t_s", "Time (s)"), _counted(1)),
    "seconds, fractions": (_WITHOUT_UNIT, _counted(1, 3)),
    "milliseconds": ((*_WITHOUT_UNIT, "time_ms", "Timestamp [ms]"), _counted(1000)),
    "microseconds": ((*_WITHOUT_UNIT, "t_us"), _counted(10**6)),
    "nanoseconds": ((*_WITHOUT_UNIT, "time (ns)"), _counted(10**9)),
    "ISO, Z": (_WITHOUT_UNIT, _iso("%Y-%m-%dT%H:%M:%SZ")),
    "ISO, offset": (_WITHOUT_UNIT, _iso("%Y-%m-%dT%H:%M:%S%z", timezone(timedelta(hours=5, minutes=30)))),
    "ISO, UTC": (_WITHOUT_UNIT, _iso("%Y-%m-%d %H:%M:%S UTC")),
    "ISO, no zone": (_WITHOUT_UNIT, _iso("%Y-%m-%d %H:%M:%S")),
    "relative seconds": (("t", "Time", "t_s"), _counted(1, 1, NOON)),
    "relative milliseconds": (("t_ms", "Time (ms)"), _counted(1000, 0, NOON)),
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one exporter writes a file."""

    long: bool
    separator: str
    comma: bool
    newline: str
    mark: bool  # a byte order mark
    sep_line: bool
    clock: str
    time_name: str
    metric_name: str
    value_name: str
    missing: str
    quoted: bool
    order: tuple[int, int, int]  # of a long file's columns

    @property
    def relative(self) -> bool:
        """Whether times begin at 0."""
        return self.clock.startswith("relative")


def any_dialect(rng: random.Random, clock: str | None = None) -> Dialect:
    """A dialect in which nothing is ambiguous; `clock`: one of the ways to write times."""
    clock = clock or rng.choice(list(_CLOCKS))
    separator = rng.choice(",,;;\t")
    long = rng.random() < 0.4
    return Dialect(
        long=long,
        separator=separator,
        comma=separator != "," and rng.random() < 0.5,
        newline=rng.choice(["\n", "\r\n", "\r"]),
        mark=rng.random() < 0.3,
        sep_line=rng.random() < 0.2,
        clock=clock,
        time_name=rng.choice(_CLOCKS[clock][0]),
        metric_name=rng.choice(["metric", "Metric", "series", "Series", "metric_name"]),
        value_name=rng.choice(["value", "Value", "VALUE", "metric_value"]),
        missing=rng.choice(_MISSING),
        quoted=rng.random() < 0.3,
        order=rng.choice([(0, 1, 2), (1, 0, 2), (2, 1, 0)]),
    )


def rows_of(known: Truth, dialect: Dialect) -> Iterator[list[str]]:
    """The header and all rows, as cells."""
    write_time = _CLOCKS[dialect.clock][1]

    def cell(value: float) -> str:
        if math.isnan(value):
            return dialect.missing
        text = f"{value:.10g}"
        return text.replace(".", ",") if dialect.comma else text

    def moment(t: float) -> str:
        text = write_time(t)
        return text.replace(".", ",") if dialect.comma else text

    if dialect.long:
        names = (dialect.time_name, dialect.metric_name, dialect.value_name)
        yield [names[i] for i in dialect.order]
        for i, t in enumerate(known.times):
            for name, values in known.values.items():
                parts = (moment(t), name, cell(values[i]))
                yield [parts[j] for j in dialect.order]
        return
    yield [dialect.time_name, *known.values]
    for i, t in enumerate(known.times):
        yield [moment(t), *(cell(values[i]) for values in known.values.values())]


def written(rows: list[list[str]], dialect: Dialect) -> bytes:
    """The file of these rows."""

    def quoted(text: str) -> str:
        if dialect.quoted or dialect.separator in text or '"' in text:
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [dialect.separator.join(map(quoted, row)) for row in rows]
    if dialect.sep_line:
        lines.insert(0, f"sep={dialect.separator}")
    text = "".join(line + dialect.newline for line in lines)
    return text.encode("utf-8-sig" if dialect.mark else "utf-8")
