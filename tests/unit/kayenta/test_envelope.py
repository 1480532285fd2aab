"""What a canary configuration comes in: the bodies of Kayenta's own API, lists, and answers with an id alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.base.errors import ConfigError
from pipeline.kayenta.config import CanaryConfig, load_config

PLAIN: Final[dict[str, Any]] = {
    "metrics": [{"name": "m", "groups": ["g"], "analysisConfigurations": {"canary": {"critical": True}}}],
    "classifier": {"groupWeights": {"g": 100}, "scoreThresholds": {"pass": 80, "marginal": 50}},
}
REQUEST: Final[dict[str, Any]] = {"scopes": {}, "thresholds": {"pass": 95, "marginal": 75}}


def _load(directory: Path, data: Any) -> CanaryConfig:
    path = directory / "canary.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data, indent=1))
    return load_config(path)


def test_the_body_of_a_request_to_kayenta_is_read_with_its_thresholds(tmp_path: Path) -> None:
    config = _load(tmp_path, {"canaryConfig": PLAIN, "executionRequest": REQUEST})
    assert [metric.analysis.critical for metric in config.metrics] == [True]
    assert (config.thresholds().pass_score, config.thresholds().marginal) == (95, 75)
    assert config.thresholds(60, 40).pass_score == 60
    assert [note.rpartition("json:")[2] for note in config.notes] == [
        "27: of executionRequest only thresholds is read, not scopes",
        "20: the request's thresholds are used, not these scoreThresholds",
    ]


def test_the_answer_of_kayenta_is_read_and_what_else_is_in_it_is_named(tmp_path: Path) -> None:
    config = _load(tmp_path, {"config": PLAIN, "canaryExecutionRequest": {}, "complete": True, "status": "x"})
    assert config.thresholds().pass_score == 80
    (note,) = config.notes
    assert note.endswith(": beside config, not read: complete, status")


def test_a_list_of_one_configuration_is_read(tmp_path: Path) -> None:
    assert _load(tmp_path, [PLAIN]).thresholds().pass_score == 80


def test_lines_within_an_envelope_are_those_of_the_file(tmp_path: Path) -> None:
    text = '{\n"canaryConfig": {\n"metrics": [],\n"classifier": 3},\n"executionRequest": {}, "a": 1, "a": 2}'
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert [problem.rpartition("json:")[2] for problem in caught.value.problems] == [
        "4: classifier: must be a mapping of keys to values",
        "5: 'a' is given twice, first in line 5",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([PLAIN, {**PLAIN, "name": "b"}], "a list of 2 configurations (?, b): one is judged by"),
        (
            {"canaryConfig": {"canaryConfigId": "x", "scopes": []}},
            "names a configuration by its id (canaryConfigId)",
        ),
        ({"canaryConfigId": "x", "executionRequest": REQUEST}, "names a configuration by its id"),
        (
            {"canaryConfig": PLAIN, "executionRequest": {"thresholds": {"pass": "a"}}},
            "thresholds.pass: must be",
        ),
    ],
)
def test_what_holds_no_one_configuration_is_refused(tmp_path: Path, data: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, data)
    assert words in " ".join(caught.value.problems)


def test_our_own_configuration_is_told_from_spinnakers(tmp_path: Path) -> None:
    path = tmp_path / "canary.yml"
    path.write_text("metrics: []\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value.hint).startswith("leave --judge kayenta away")
