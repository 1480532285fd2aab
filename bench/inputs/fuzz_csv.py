"""CSV files of every dialect, whole and spoilt, read and judged: `python -m bench.inputs.fuzz_csv --count N --seed S`.

A whole file must be read to the numbers that were written, by both judges' readers. A spoilt one is refused with its
line, or read; where what it holds cannot be known (a unit in a cell, two units of time ...) it must be refused. A
canary with a harm that is plain in the whole file must not pass in any spoilt one. No traceback, no hang.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from bench.inputs.csv_dialects import HARMS, NOON, Dialect, Truth, any_dialect, rows_of, truth, written
from bench.inputs.csv_spoils import NOT_PASSED, OF_BYTES, REFUSED, spoil_bytes
from bench.inputs.run import at_most, options
from pipeline.base.errors import ConfigError, UsageError
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from pipeline.series.case import from_csv
from pipeline.series.csvfile import read_series_csv, read_timed_csv

__all__ = ["Tally", "fuzz"]

_CONFIG: Final = """
metrics:
  - {name: latency, kind: level, unit: s, margin: 10%, critical: true}
  - {name: failed, kind: proportion, margin: 1pp, critical: true, csv: {hits: errors, total: requests}}
  - {name: growth, kind: trend, unit: B, margin: 2MB/min, critical: true, csv: {column: memory}}
"""
_PATIENCE: Final = 30  # seconds for one file
Tally = Counter[tuple[str, str]]


def _differs(path: Path, known: Truth, dialect: Dialect) -> str | None:
    """How what both readers give differs from what was written."""
    table, values = read_timed_csv(path), read_series_csv(path)
    times = np.asarray(known.times) - (NOON if dialect.relative else 0)
    if set(table.series) != set(known.values):
        return f"metrics {sorted(table.series)}"
    for name, expected in known.values.items():
        series = table.series[name]
        if series.t.shape != times.shape or np.abs(series.t - times).max() > 1e-3:
            return f"times of {name}"
        if not np.allclose(series.value, expected, rtol=1e-9, equal_nan=True):
            return f"values of {name}"
        if not np.array_equal(series.value, values[name], equal_nan=True):
            return f"values of {name} for the other judge"
    return None


def _said_well(error: UsageError, path: Path) -> bool:
    lines = [error.message, *(error.problems if isinstance(error, ConfigError) else ())]
    problems = lines[1:]
    at = re.compile(rf"{re.escape(str(path))}:\d+: \S")
    return all(line.isprintable() for line in lines) and all(at.match(line) for line in problems)


def _try(directory: Path, rng: random.Random, tally: Tally) -> str | None:
    """One file as the canary beside a whole baseline; what is wrong with the outcome, if anything."""
    harm = rng.choice(HARMS)
    known = truth(rng, harm)
    kind = rng.choice([*["whole"] * 8, *REFUSED, *NOT_PASSED, *OF_BYTES])
    clock = "relative seconds" if kind == "steps of any unit" else None
    dialect = any_dialect(rng, clock)
    rows = list(rows_of(known, dialect))
    if spoil := {**REFUSED, **NOT_PASSED}.get(kind):
        rows = spoil(rng, rows, dialect)
    raw = written(rows, dialect)
    if kind in OF_BYTES:
        raw = spoil_bytes(rng, kind, raw)
    canary, baseline = directory / "canary.csv", directory / "baseline.csv"
    canary.write_bytes(raw)
    plain = any_dialect(rng, dialect.clock)
    baseline.write_bytes(written(list(rows_of(truth(rng, "none"), plain)), plain))
    try:
        if kind == "whole" and (different := _differs(canary, known, dialect)):
            return f"{kind}: {different}: {dialect}"
        case = from_csv(directory / "canary.yml", baseline, canary)
    except UsageError as error:
        tally[kind, "refused"] += 1
        if kind == "whole":
            return f"refused a whole file: {error.message} {getattr(error, 'problems', '')}: {dialect}"
        return None if _said_well(error, canary) else f"{kind}: said {error.message!r}"
    outcome = judge(case.evidence, case.rules, case.policy).outcome
    tally[kind, outcome.value] += 1
    if kind in REFUSED:
        return f"{kind}: read and {outcome.value}: {dialect}"
    if harm == "none" and kind == "whole" and outcome is Outcome.FAILED:
        return f"{kind}, no harm: failed: {dialect}"
    wrong = outcome is Outcome.PASSED and (harm != "none" or kind == "values gone")
    return f"{kind}, harm {harm}: passed: {dialect}" if wrong else None


def fuzz(count: int, seed: int) -> tuple[Tally, list[str]]:
    """How many files of each kind ended how, and each wrong ending with the seed that makes it again."""
    tally: Tally = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "canary.yml").write_text(_CONFIG, "utf-8")
        for number in range(seed, seed + count):
            try:
                with at_most(_PATIENCE):
                    found = _try(directory, random.Random(number), tally)  # noqa: S311 (test data)
            except TimeoutError:
                found = "hangs"
            except Exception as error:  # every other error is a traceback that somebody would see
                found = f"traceback: {error!r}"
            if found:
                wrong.append(f"seed {number}: {found}")
    return tally, wrong


def main() -> int:
    asked = options(__doc__, 1000)
    tally, wrong = fuzz(asked.count, asked.seed)
    ends = ["refused", *(outcome.value for outcome in Outcome)]
    print(f"| {asked.count:,} files, seeds from {asked.seed} | {' | '.join(ends)} |")
    print("|---" * (len(ends) + 1) + "|")
    for kind in ("whole", *REFUSED, *NOT_PASSED, *OF_BYTES):
        print(f"| {kind} | {' | '.join(f'{tally[kind, end]:,}' for end in ends)} |")
    print("\n".join(wrong[:20]))
    print(f"{len(wrong)} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
