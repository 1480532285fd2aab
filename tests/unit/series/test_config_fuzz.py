"""Whatever a configuration holds, it is read or its problems are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.base.errors import ConfigError
from pipeline.series.config import JudgeConfig, Source, load_config
from pipeline.series.metric import MetricConfig
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
