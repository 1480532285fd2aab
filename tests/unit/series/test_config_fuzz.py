"""No configuration and no series, however broken, ends in a traceback: there are only our errors, or a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.base.errors import ConfigError, UsageError
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome
from pipeline.series.case import from_csv
from pipeline.series.config import JudgeConfig, MetricConfig, Source, load_config
from tests.support.judge_config import EXAMPLE

_quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_WORDS: Final = [
    "level",
    "trend",
    "count",
    "proportion",
    "10%",
    "0.5pp",
    "2ms",
    "s",
    "now",
    "-1h",
    "x{$arm}",
    "$",
]
_MODELS: Final = (JudgeConfig, MetricConfig)
_KEYS: Final = sorted(
    {key for model in _MODELS for key in model.model_fields} | {"from", "baseline", "query", "hits"}
)
_leaf = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(_WORDS)
)


def _branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(_KEYS) | st.text(max_size=9)
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6)


_tree = st.recursive(_leaf, _branches, max_leaves=8)


def _with(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with these keys, and a few others with anything in them."""
    others = st.dictionaries(st.sampled_from(_KEYS), _tree, max_size=3)
    return st.builds(lambda other, mine: {**other, **mine}, others, st.fixed_dictionaries(known))


_metric = _with(name=st.sampled_from(["a", "b"]), kind=st.sampled_from(_WORDS[:4]), margin=_leaf)


def _fuzzed(path: Path, text: str | bytes) -> None:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    sources: tuple[Source, ...] = ("prometheus", "csv")
    for source in sources:
        try:
            config = load_config(path, source)
        except ConfigError as error:
            wrong = [problem for problem in error.problems if not problem.startswith(f"{path}:")]
            if wrong or not error.problems:
                pytest.fail(f"{wrong} tell of no line")
        else:
            assert all(metric.rule().limit.value >= 0 for metric in config.metrics)


@_quick
@given(tree=_with(metrics=st.lists(_metric, max_size=2)))
def test_a_configuration_is_read_or_its_problems_are_told(tmp_path: Path, tree: Any) -> None:
    _fuzzed(tmp_path / "canary.yml", yaml.safe_dump(tree))


@_quick
@given(at=st.integers(0, len(EXAMPLE)), put=st.binary(max_size=6), cut=st.integers(0, 9))
def test_a_slip_in_a_configuration_is_read_or_told(tmp_path: Path, at: int, put: bytes, cut: int) -> None:
    raw = EXAMPLE.encode()
    _fuzzed(tmp_path / "canary.yml", raw[:at] + put + raw[at + cut :])


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
