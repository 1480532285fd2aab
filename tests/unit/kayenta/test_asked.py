"""What is wrong with a configuration that a Prometheus is to be asked by: each problem in one line with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import ConfigError, UsageError
from pipeline.kayenta.asked import Asked, load_asked
from pipeline.kayenta.scopes import parse_scopes

NAMED = ("baseline=a", "canary=b")


def _load(directory: Path, data: Any, *scopes: str) -> Asked:
    path = directory / "canary.json"
    path.write_text(json.dumps(data, indent=1), "utf-8")
    return load_asked(path, parse_scopes(scopes))


def _config(query: dict[str, Any] | None = None, **metric: Any) -> dict[str, Any]:
    own = {"type": "prometheus", "metricName": "m", "customFilterTemplate": "t", **(query or {})}
    one = {"name": "m", "groups": ["g"], "scopeName": "default", "query": own, **metric}
    return {"metrics": [one], "templates": {"t": "v=${scope}"}, "classifier": {}}


def _problems(directory: Path, data: Any, *scopes: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        _load(directory, data, *scopes)
    return caught.value


def test_scopes_fill_each_version_s_query(tmp_path: Path) -> None:
    asked = _load(
        tmp_path,
        _config({"customInlineTemplate": "v=${scope},z=${zone},l=${location}"}),
        *NAMED,
        "zone=1",
        "canary.zone=2",
        "location=here",
        "step=30s",
    )
    (question,) = asked.questions
    assert question.queries == {"baseline": "avg(m{v=a,z=1,l=here})", "canary": "avg(m{v=b,z=2,l=here})"}
    assert question.scopes.step == 30
    assert [asked.name(arm) for arm in ("baseline", "canary")] == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"customFilterTemplate": "u"}, "9: m: there is no template 'u': the configuration's are t"),
        ({"type": "datadog"}, "10: metrics.0.query.type: 'datadog' is not prometheus"),
        ({"customFilter": "a=b"}, "13: metrics.0.query.customFilter: is refused by Kayenta"),
        ({"metricName": 3}, "11: metrics.0.query.metricName: must be text"),
        ({"customFilterTemplate": None}, "9: m: has neither a template nor a resourceType"),
    ],
)
def test_a_query_that_cannot_be_asked_is_told_with_its_line(
    tmp_path: Path, query: dict[str, Any], words: str
) -> None:
    (problem,) = _problems(tmp_path, _config(query), *NAMED).problems
    assert problem.rpartition("canary.json:")[2].startswith(words)


def test_a_variable_that_no_scope_has_is_told_with_what_to_type(tmp_path: Path) -> None:
    error = _problems(tmp_path, _config({"customInlineTemplate": "v=${scope},z=${zone}"}), *NAMED)
    assert "the variable 'zone' stands for nothing" in error.problems[0]
    assert error.hint == "--scope zone=VALUE"
    assert _problems(tmp_path, _config()).hint == "--scope baseline=NAME --scope canary=NAME"


def test_a_named_scope_must_be_one_of_the_request_s(tmp_path: Path) -> None:
    pair = {"controlScope": {"scope": "a"}, "experimentScope": {"scope": "b"}}
    body = {"canaryConfig": _config(scopeName="other"), "executionRequest": {"scopes": {"default": pair}}}
    (problem,) = _problems(tmp_path, body).problems
    assert problem.endswith("its scope 'other' is none of the request's: default")
    # What is typed is for each named scope.
    assert _load(tmp_path, body, *NAMED).questions[0].queries["canary"] == "avg(m{v=b})"


def test_a_metric_without_a_scope_s_name_is_refused_as_kayenta_does(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, _config(scopeName=None), *NAMED).problems
    assert 'has no scopeName, without which Kayenta asks nothing: "scopeName": "default"' in problem


@pytest.mark.parametrize(
    ("scopes", "words"),
    [
        (
            [{"controlScope": "a", "experimentScope": "b", "controlOffsetInMinutes": 5}],
            "give --baseline-from",
        ),
        ({"default": {"controlScope": {"scope": "a"}}}, "experimentScope: is missing"),
        ({"default": {"controlScope": {"step": 5}, "experimentScope": {"step": 6}}}, "have different steps"),
        ({"default": {"controlScope": {"step": 0}, "experimentScope": {}}}, "controlScope.step"),
        ({"default": {"controlScope": {"start": "today"}, "experimentScope": {}}}, "'today' is not a time"),
        ({"default": {"controlScope": {"start": True}, "experimentScope": {}}}, "must be a time"),
        ({"default": {"controlScope": {"start": 1e12}, "experimentScope": {}}}, "is no time in seconds"),
        (3, "scopes: must be a mapping"),
        ([3], "scopes.0: must be a mapping"),
        ([{"step": "60"}], "scopes.0.step: must be a whole number"),
        ({"default": {"controlScope": {"start": 10**400}, "experimentScope": {}}}, "is no time in seconds"),
    ],
)
def test_a_request_s_scopes_that_cannot_be_read_are_told(tmp_path: Path, scopes: Any, words: str) -> None:
    error = _problems(tmp_path, {"canaryConfig": _config(), "executionRequest": {"scopes": scopes}})
    assert words in error.problems[0]
    assert "\n" not in error.problems[0]


def test_parameters_that_are_numbers_are_taken_as_text(tmp_path: Path) -> None:
    params = {"extendedScopeParams": {"n": 5, "yes": True}}
    pair = {"controlScope": params, "experimentScope": {"scope": "b", **params}}
    data = _config({"customInlineTemplate": "n=${n},yes=${yes}"})
    asked = _load(tmp_path, {"canaryConfig": data, "executionRequest": {"scopes": {"default": pair}}})
    assert asked.questions[0].queries["canary"] == "avg(m{n=5,yes=true})"


def test_keys_of_a_query_that_are_not_read_are_noted(tmp_path: Path) -> None:
    asked = _load(tmp_path, _config({"labelBinding": ["a=b"], "serviceType": "prometheus"}), *NAMED)
    assert [note.rpartition("json:")[2] for note in asked.config.notes] == [
        "13: 'labelBinding' is not read: did you mean 'labelBindings'?"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("baseline", "is not KEY=VALUE"),
        ("=x", "is not KEY=VALUE"),
        ("zone=", "is not KEY=VALUE"),
        ("start=now", "a window is given by --from and --to"),
        ("canary.end=now", "a window is given by --from and --to"),
        ("step=soon", "--scope step=soon"),
        ("step=0.5s", "a whole number of seconds"),
        ("step=2h", "up to 1h"),
    ],
)
def test_a_scope_that_is_typed_wrong_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_scopes([text])
    assert words in caught.value.message
