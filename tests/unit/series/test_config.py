"""The configuration of `pipeline judge --config FILE.yml`: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import ConfigError
from pipeline.judge.rules import Threshold
from pipeline.series.config import JudgeConfig, Source, load_config
from tests.support.judge_config import EXAMPLE


def _load(directory: Path, text: str | bytes, source: Source = "prometheus") -> JudgeConfig:
    path = directory / "canary.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(path, source)


def test_a_metric_becomes_a_rule_that_needs_no_catalogue(tmp_path: Path) -> None:
    config = _load(tmp_path, EXAMPLE)
    errors, latency, queue = (metric.rule() for metric in config.metrics)
    assert (errors.name, errors.metric.title, errors.metric.requests) == ("error_rate", "Errors", False)
    assert (errors.metric.series, errors.metric.total) == ("error_rate/hits", "error_rate/total")
    assert errors.limit == Threshold(0.005, relative=False)
    assert (latency.limit.relative, latency.metric.floor) == (True, 0.002)
    assert (queue.limit, queue.metric.unit) == (Threshold(5, relative=False), "jobs")
    assert config.policy.alpha == 0.01


def test_the_columns_of_a_csv_file_are_called_as_the_metric_unless_the_file_says_otherwise(
    tmp_path: Path,
) -> None:
    columns = [metric.columns() for metric in _load(tmp_path, EXAMPLE).metrics]
    assert columns == [("error_rate_hits", "error_rate_total"), ("latency",), ("queue length",)]


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ("kind: proportion", "kind: share", "kind: share", "'level', 'trend', 'count' or 'proportion'"),
        ("margin: 0.5pp", "margin: 10%", "margin: 10%", "error_rate is compared by difference"),
        ("margin: 5\n", "margin: 5ms\n", "margin: 5ms", "queue is in jobs"),
        ("margin: 10%", "margin: lots", "margin: lots", "is not a number with a unit"),
        ("floor: 2ms", "floor: 2%", "floor: 2%", "a floor is an amount"),
        ("    unit: s\n", "    unit: 'a b'\n", "unit: 'a b'", "is not a unit"),
        ("version: v2", "version: 1.10", "version: 1.10", "must be text: write it in quotes"),
        ("version: v2", "the-version: v2", "the-version", "is not a label's name"),
        ("version: v2}", "version: v2}\n  third: {a: b}", "third:", "unknown key 'third'"),
        ("total{$arm}", 'total{a="$arm"}', "total:", "it cannot be within quotes"),
        ("total{$arm}", "total{$version}", "total:", "$version is not known"),
        ("counters: true", "counters: 1", "counters: 1", "counters"),
        (
            "total: http_requests_total{$arm}",
            "total: sum(http_requests_total{$arm})",
            "prometheus:",
            "counters: true, but total: sum() over counters",
        ),
        (
            "      counters: true\n",
            "",
            "name: error_rate",
            "http_requests_total counts since it began, not by step",
        ),
        (
            '"sum(queue{$arm})"',
            '"sum(queue{$arm}"',
            "prometheus: {query:",
            "query: is not PromQL: unclosed left parenthesis",
        ),
        ('"sum(queue{$arm})"', "{baseline: a}", "prometheus: {query:", "prometheus.query.canary: is missing"),
        ('"sum(queue{$arm})"', "[a]", "prometheus: {query:", "prometheus.query: must be text"),
        ("name: queue", "name: latency", "arms:", "latency is given twice"),
        ("arms:", "together: 0.5\narms:", "together:", "needs two levels whose increase is harm"),
        ("arms:", "together: 2\narms:", "together: 2", "less than or equal to 1"),
        ("name: queue", "name: a/b", "name: a/b", "is not a name"),
        ('{query: "sum(queue{$arm})"}', "{hits: a, total: b}", "name: queue", "a level needs query"),
        ('"sum(queue{$arm})"', "a, counters: true", "name: queue", "counters is for counts and proportions"),
        ('    prometheus: {query: "sum(queue{$arm})"}\n', "", "name: queue", "queue has no prometheus:"),
        ("direction: either", "kind_: trend", "kind_: trend", "unknown key 'kind_'"),
        ("policy:", "weight: 3\npolicy:", "weight: 3", "'weight' does not belong at the top level"),
        ("alpha: 0.01", "margin: 1", "policy:", "'margin' does not belong in policy"),
        ("{from: -1h, to: now}", "{from: -1h}", "window:", "give from and to"),
        ("from: -1h", "from: '2026-01-01T00:00:00'", "window:", "has no zone"),
        ("from: -1h", "from: 2026-01-01T00:00:00Z", "window:", "write it in quotes"),
        ("step: 30s", "step: 2h", "step: 2h", "a step is between 1s and 1h"),
        ("alpha: 0.01", "expected_status: [200]", "policy:", "expected_status is for runs with a load"),
        ("alpha: 0.01", "alpha: 2", "policy:", "policy.alpha"),
        ("alpha: 0.01", "undecided: passed", "policy:", "policy.undecided"),
        ("arms:\n  baseline: {version: v1}\n  canary: {version: v2}\n", "", "hits:", "there is no arms:"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, at: str, words: str) -> None:
    assert old in EXAMPLE
    text = EXAMPLE.replace(old, new, 1)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if at in row)
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    told = [problem for problem in caught.value.problems if words in problem]
    assert told, caught.value.problems
    assert told[0].startswith(f"{tmp_path / 'canary.yml'}:{line}: "), told


def test_for_csv_files_neither_queries_nor_versions_are_needed(tmp_path: Path) -> None:
    config = _load(tmp_path, "metrics: [{name: cpu, kind: level, margin: 10%}]", "csv")
    assert config.metrics[0].columns() == ("cpu",)


@pytest.mark.parametrize("source", ["prometheus", "csv"])
@pytest.mark.parametrize(
    "text",
    [
        '{"metrics": [{"name": "m", "groups": [], "analysisConfigurations": {}}], "classifier": {}}',
        '\ufeff{"canaryConfig":\t{}, "executionRequest": {}}',
        '[{"id": "x", "metrics": [], "judge": null}]',
    ],
)
def test_spinnakers_configuration_is_told_with_the_judge_that_reads_it(
    tmp_path: Path, text: str, source: Source
) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text, source)
    (told,) = caught.value.problems
    assert "--judge kayenta" in told
    assert str(caught.value.hint).startswith("pipeline judge --judge kayenta --config ")


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE.replace('"sum(queue{$arm})"', "3"),
        EXAMPLE.replace('"sum(queue{$arm})"', "{baseline: 3, canary: [a]}"),
        EXAMPLE.replace("version: v2", "1version: 2"),
        EXAMPLE.replace("metrics:", "metrics: 3\nx:"),
        EXAMPLE + "policy: {alpha: x, nothing: 3}\n",
        EXAMPLE + "policy: [3]\nwindow: {baseline: 3}\n",
    ],
)
def test_names_of_the_library_that_checks_it_reach_no_user(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    told = " ".join(caught.value.problems)
    for inner in ("function-", "constrained", "PerArm", "[key]", "tagged", "Policy", "pydantic", "dataclass"):
        assert inner not in told
