"""A release's own values in a configuration, and the label matchers that they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import ConfigError, UsageError
from pipeline.series import promql
from pipeline.series.config import JudgeConfig, load_config
from pipeline.series.matchers import Matcher
from tests.support.judge_config import EXAMPLE


def loaded(tmp_path: Path, text: str, *sets: str) -> JudgeConfig:
    path = tmp_path / "canary.yml"
    path.write_text(text, "utf-8")
    return load_config(path, "prometheus", sets)


def filled(config: JudgeConfig, arm: str) -> str:
    assert config.arms
    return promql.fill("up{$arm}", getattr(config.arms, arm), 30)


def test_a_label_a_margin_and_a_policy_are_set(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        EXAMPLE,
        "canary.version=1.5.0+a1",
        "metrics.latency.margin=15%",
        "policy.alpha=0.05",
        "step=1m",
    )
    assert filled(config, "canary") == 'up{version="1.5.0+a1"}'
    assert filled(config, "baseline") == 'up{version="v1"}'
    assert (config.metrics[1].margin, config.policy.alpha, config.step) == ("15%", 0.05, 60)


def test_arms_may_come_from_the_command_line_alone(tmp_path: Path) -> None:
    text = EXAMPLE.replace("arms:\n  baseline: {version: v1}\n  canary: {version: v2}\n", "")
    config = loaded(tmp_path, text, "baseline.version=1.4.0", "canary.version=1.5.0")
    assert filled(config, "canary") == 'up{version="1.5.0"}'


@pytest.mark.parametrize(
    ("written", "matcher"),
    [
        ('"1.5.0"', '="1.5.0"'),
        ('"1.5.*"', '=~"1.5.*"'),
        ("a|b", '=~"a|b"'),
        ("{not: v2}", '!="v2"'),
        ('{not: "v2|v3"}', '!~"v2|v3"'),
        ('{is: "a|b"}', '="a|b"'),
        ('"1\\\\.5\\\\..*"', '=~"1\\\\.5\\\\..*"'),
    ],
)
def test_a_version_is_told_by_a_value_an_expression_or_what_it_is_not(
    written: str, matcher: str, tmp_path: Path
) -> None:
    config = loaded(tmp_path, EXAMPLE.replace("canary: {version: v2}", f"canary: {{version: {written}}}"))
    assert filled(config, "canary") == f"up{{version{matcher}}}"


@pytest.mark.parametrize("written", ["1.10", "[a]", "{nor: a}", "{not: 1}", "{not: a, is: b}", '"(.*"'])
def test_what_is_no_matcher_is_refused_with_its_line(written: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, EXAMPLE.replace("canary: {version: v2}", f"canary: {{version: {written}}}"))
    assert "canary.yml:3: " in error.value.problems[0]


def test_a_name_in_capitals_is_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = EXAMPLE.replace("version: v2", 'version: "${RELEASE}"').replace(
        "{$arm}", "{$arm,ns='${NAMESPACE}'}"
    )
    monkeypatch.setenv("RELEASE", "1.5.0")
    monkeypatch.delenv("NAMESPACE", raising=False)
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert any("${NAMESPACE} is not set in the environment" in line for line in error.value.problems)
    monkeypatch.setenv("NAMESPACE", "shop")
    config = loaded(tmp_path, text)
    assert filled(config, "canary") == 'up{version="1.5.0"}'
    assert config.metrics[1].prometheus
    assert "ns='shop'" in str(config.metrics[1].prometheus.query)


@pytest.mark.parametrize(
    "text",
    ["canary", "=x", "canary.version=", "a b=c", "metrics.nothing.margin=1%", "steps.x=1", "metrics=1.x=2"],
)
def test_a_key_that_is_none_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises((UsageError, ConfigError)):
        loaded(tmp_path, EXAMPLE, text)


def test_a_matcher_stays_one() -> None:
    assert Matcher.of(Matcher("=", "a|b")) == Matcher("=", "a|b")
