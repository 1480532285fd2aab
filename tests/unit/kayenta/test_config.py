"""Spinnaker's canary configuration: what is read, what is refused with its line, and what is noted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.base.errors import ConfigError, UsageError
from pipeline.kayenta.config import CanaryConfig, load_config
from pipeline.kayenta.judge import judge
from tests.support.kayenta_samples import floats, one_metric

EXAMPLE = """{
  "name": "a service", "configVersion": "1", "applications": ["ad-hoc"],
  "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
  "metrics": [
    {
      "name": "latency",
      "query": {"type": "prometheus", "metricName": "latency"},
      "groups": ["requests"],
      "analysisConfigurations": {
        "canary": {
          "direction": "increase", "nanStrategy": "replace", "critical": true, "mustHaveData": true,
          "effectSize": {"measure": "cles", "allowedIncrease": 0.7},
          "outliers": {"strategy": "remove", "outlierFactor": 2}
        }
      },
      "scopeName": "default"
    },
    {"name": "cpu", "groups": [], "analysisConfigurations": {"canary": null}}
  ],
  "templates": {},
  "classifier": {
    "groupWeights": {"requests": 1e2},
    "scoreThresholds": {"pass": 95, "marginal": 75.5}
  }
}
"""


def _load(directory: Path, text: str | bytes) -> CanaryConfig:
    path = directory / "canary.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(path)


def test_everything_that_decides_is_read(tmp_path: Path) -> None:
    config = _load(tmp_path, EXAMPLE)
    latency, cpu = (metric.analysis for metric in config.metrics)
    assert (latency.direction, latency.critical, latency.must_have_data) == ("increase", True, True)
    assert latency.replaces_nan
    assert (latency.effect_size.allowed_increase, latency.effect_size.allowed_decrease) == (0.7, 0.5)
    assert (latency.outliers.removed, latency.outliers.factor) == (True, 2)
    assert (cpu.direction, cpu.replaces_nan, cpu.muted, cpu.effect_size.allowed_increase) == (
        "either",
        False,
        False,
        1,
    )
    assert config.classifier.group_weights == {"requests": 100}
    assert config.thresholds().pass_score == 95
    assert config.thresholds(60, 40).marginal == 40
    assert config.notes == ()


def test_the_thresholds_of_a_configuration_without_are_asked_for(tmp_path: Path) -> None:
    config = _load(tmp_path, '{"metrics": [], "classifier": {}}')
    with pytest.raises(UsageError, match="no scoreThresholds"):
        config.thresholds(95)
    assert config.thresholds(95, 75).pass_score == 95


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"name": "latency"', '"name": 3', 6, "metrics.0.name: must be text"),
        ('"groups": ["requests"],', "", 5, "metrics.0.groups: is missing"),
        ('"critical": true', '"critical": "true"', 11, "critical: must be true or false"),
        ("0.7", '"0.7"', 12, "allowedIncrease: must be a number"),
        ("0.7", "NaN", 12, "NaN is no number in JSON"),
        ("0.7", "1e999", 12, "allowedIncrease: must be a finite number"),
        ('"outlierFactor": 2', '"outlierFactor": 0', 13, "outlierFactor must be greater than 0"),
        ('{"name": "cpu"', '{"name": "latency"', 4, "metrics: 'latency' is given twice"),
        ('"templates"', '"metrics"', 20, "'metrics' is given twice, first in line 4"),
        ('"classifier"', '"classifer"', 1, "classifier: is missing"),
        ("1e2", "true", 22, "classifier.groupWeights.requests: must be a number"),
        ('"pass": 95,', "", 23, "classifier.scoreThresholds.pass: is missing"),
        ('"templates": {},', '"templates": {,', 20, "not JSON"),
        (EXAMPLE, "", 1, "the file is empty"),
        (EXAMPLE, "[]", 1, "an empty list"),
        (EXAMPLE, "3", 1, "expected a mapping of keys to values"),
        (EXAMPLE, "[" * 100_000, 1, "nested too deeply"),
        (EXAMPLE, "[" * 50 + "]" * 50, 1, "nested too deeply"),
    ],
)
def test_what_kayenta_could_not_use_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in EXAMPLE
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, EXAMPLE.replace(old, new, 1))
    assert any(
        f"canary.json:{line}: " in problem and words in problem for problem in caught.value.problems
    ), caught.value.problems


def test_a_key_is_read_by_its_name_in_the_json_only(tmp_path: Path) -> None:
    text = EXAMPLE.replace("outlierFactor", "factor").replace("allowedIncrease", "allowed_increase")
    found = _load(tmp_path, text).metrics[0].analysis
    assert (found.outliers.factor, found.effect_size.allowed_increase) == (3, 0.5)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"increase"', '"up"', 11, "direction 'up' is not known and means 'either'"),
        ('"critical"', '"critcal"', 11, "'critcal' is not read: did you mean 'critical'?"),
        ('"outlierFactor"', '"factor"', 13, "'factor' is not read"),
        ('"NetflixACAJudge-v1.0"', '"dredd-v1.0"', 3, "asks for the judge 'dredd-v1.0'"),
        ('{"requests": 1e2}', '{"request": 1e2}', 22, "group 'request' has a weight and no metric"),
        ("1e2", "90", 22, "the weights add up to 90, not 100"),
        ('"critical"', '"Critical"', 11, "'Critical' is not read: did you mean 'critical'?"),
        ('"canary": {', '"Canary": {', 10, "'Canary' is not read: did you mean 'canary'?"),
        (
            '"canary": {\n',
            '"critical": true, "canary": {\n',
            10,
            "its place is analysisConfigurations.canary",
        ),
        (
            '"groups": ["requests"]',
            '"groups": [], "muted": true',
            8,
            "its place is analysisConfigurations.canary",
        ),
        (
            '"direction": "increase"',
            '"allowedIncrease": 2',
            11,
            "its place is analysisConfigurations.canary.effectSize",
        ),
        (
            '"templates": {}',
            '"scoreThresholds": {}',
            20,
            "'scoreThresholds' is not read here: its place is classifier",
        ),
        ('"templates": {}', '"template": {}', 20, "'template' is not read: did you mean 'templates'?"),
        (
            '"canary": null',
            '"extendedProperties": {"staticBaseline": 3}',
            18,
            "(staticBaseline): another judge's",
        ),
        (
            '"judgeConfigurations": {}',
            '"judgeConfigurations": {"a": 1}',
            3,
            "'judgeConfigurations' is not read",
        ),
        ('"increase"', '"decrease"', 11, "a rise of 'latency' passes; harm is 'increase'"),
        ('"analysisConfigurations": {\n', '"extensions": {\n', 9, "the key is analysisConfigurations"),
    ],
)
def test_what_kayenta_passes_over_in_silence_is_a_note(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    notes = _load(tmp_path, EXAMPLE.replace(old, new, 1)).notes
    assert any(f"canary.json:{line}: " in note and words in note for note in notes), notes


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metrics",
                    "classifier",
                    "name",
                    "groups",
                    "analysisConfigurations",
                    "canary",
                    "effectSize",
                    "outliers",
                    "measure",
                    "strategy",
                    "outlierFactor",
                    "allowedIncrease",
                    "groupWeights",
                    "scoreThresholds",
                    "pass",
                    "marginal",
                    "judge",
                    "direction",
                    "critical",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)

_TEXTS = st.one_of(
    st.binary(),
    _JSON.map(lambda data: json.dumps(data, indent=1).encode()),
    st.builds(
        lambda canary, weights: json.dumps(one_metric(canary, weights)).encode(),
        _JSON,
        st.dictionaries(st.text(max_size=3), st.floats() | st.text(max_size=2), max_size=3),
    ),
    st.builds(
        lambda at, what: (EXAMPLE[:at] + what + EXAMPLE[at + 1 :]).encode(),
        st.integers(0, len(EXAMPLE)),
        st.text(max_size=2),
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=_TEXTS)
def test_garbage_is_refused_with_a_line_or_judged_and_never_raises_anything_else(
    tmp_path: Path, raw: bytes
) -> None:
    problems: tuple[str, ...] = ()
    try:
        config = _load(tmp_path, raw)
    except ConfigError as error:
        problems = error.problems
    else:
        judge(config, config.thresholds(95, 75), {"m": floats([1, 2, 3])}, {"m": floats([4, 5, 6])})
    assert all(problem.startswith(f"{tmp_path}/canary.json:") for problem in problems)
