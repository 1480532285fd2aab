"""Whatever the CSV files hold, they are refused or judged."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.base.errors import UsageError
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from pipeline.series.case import from_csv

_quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_CONFIG: Final = """
metrics:
  - {name: l, kind: level, margin: 10%, critical: true}
  - {name: g, kind: trend, margin: 1}
  - {name: n, kind: count, margin: 1}
  - {name: p, kind: proportion, margin: 1pp, csv: {hits: l, total: n}}
"""

_number = st.sampled_from(["0", "1", "-1", "1e14", "1e16", "1e308", "1e-308"]) | st.integers(0, 99).map(str)
_missing = st.sampled_from(["", "nan", "NULL"])
_cell = _number | _missing | st.sampled_from(["inf", "x", '"']) | st.floats().map(repr)
_time = st.sampled_from(["0", "1e9", "1e308", "2026-01-01", "2026-01-01T00:00:00Z", "x"]) | _number
_garbage = st.lists(st.tuples(_time, _cell, _cell, _cell), max_size=30)


def _regular(cell: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, ...]]]:
    rows = st.lists(st.tuples(cell, cell, cell), min_size=10, max_size=40)
    return rows.map(lambda found: [(str(i), *row) for i, row in enumerate(found)])


def _judged(
    directory: Path, baseline: list[tuple[str, ...]], canary: list[tuple[str, ...]]
) -> Outcome | None:
    """The outcome; None where the files were refused."""
    (directory / "canary.yml").write_text(_CONFIG, "utf-8")
    files = directory / "a.csv", directory / "b.csv"
    for file, rows in zip(files, (baseline, canary), strict=True):
        file.write_text("\n".join(["t,l,g,n", *map(",".join, rows)]), "utf-8")
    try:
        case = from_csv(directory / "canary.yml", *files)
    except UsageError:
        return None
    return judge(case.evidence, case.rules, case.policy).outcome


@_quick
@given(baseline=_garbage, canary=_garbage)
def test_garbage_in_csv_files_is_refused_or_judged(
    tmp_path: Path, baseline: list[tuple[str, ...]], canary: list[tuple[str, ...]]
) -> None:
    assert _judged(tmp_path, baseline, canary) in {None, *Outcome}


@_quick
@given(baseline=_regular(_number | _missing), canary=_regular(_number | _missing))
def test_numbers_of_any_size_are_judged(
    tmp_path: Path, baseline: list[tuple[str, ...]], canary: list[tuple[str, ...]]
) -> None:
    assert _judged(tmp_path, baseline, canary) in {None, *Outcome}


@_quick
@given(baseline=_regular(_number), canary=_regular(_missing), swapped=st.booleans())
def test_a_version_without_a_number_never_passes(
    tmp_path: Path, baseline: list[tuple[str, ...]], canary: list[tuple[str, ...]], swapped: bool
) -> None:
    arms = (canary, baseline) if swapped else (baseline, canary)
    assert _judged(tmp_path, *arms) is not Outcome.PASSED
