"""The past of a fleet in a real Prometheus: one window with the next, and two halves at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipeline.backtest.sources import from_files, from_server
from pipeline.base.errors import EnvironmentError_, Exit, UsageError
from pipeline.cli.root import run
from pipeline.series.config import JudgeConfig, load_config
from pipeline.series.prometheus import Prometheus
from pipeline.series.window import Span
from tests.support.past_series import judged, past_csv
from tests.support.prometheus_faults import faulty, matrix
from tests.support.real_prometheus import BEGIN, serving, truth, write_fleet

CONFIG: Final = """
arms:
  baseline: {version: old}
  canary: {version: worse}
planned: 2m
step: 20s
metrics:
  - name: error_rate
    kind: proportion
    margin: 0.5pp
    critical: true
    prometheus:
      counters: true
      hits: http_requests_total{$arm,status=~"5.."}
      total: http_requests_total{$arm}
      absent: zero
  - name: latency
    kind: level
    unit: s
    margin: 10%
    prometheus:
      query: histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{$arm}[$step])))
"""
SPAN: Final = Span(float(BEGIN), BEGIN + 1800.0)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("fleet")
    write_fleet(directory)
    with serving(directory) as address:
        yield address


@pytest.fixture
def config(tmp_path: Path) -> JudgeConfig:
    (tmp_path / "canary.yml").write_text(CONFIG)
    return load_config(tmp_path / "canary.yml", "prometheus")


def test_without_a_split_the_past_is_that_of_the_baseline_alone(url: str, config: JudgeConfig) -> None:
    with Prometheus(url) as client:
        history = from_server(config, client, SPAN, 20.0, None)

    failed, _ = truth("old")
    assert not history.at_once
    assert failed == history.samples["canary"]["error_rate"].value.sum() == 0
    assert history.samples["canary"] is history.samples["baseline"]


def test_the_values_of_a_label_are_dealt_to_two_halves_and_none_is_lost(
    url: str, config: JudgeConfig
) -> None:
    with Prometheus(url) as client:
        halves = from_server(config, client, SPAN, 20.0, "pod")
        whole = from_server(config, client, SPAN, 20.0, None)

    totals = {arm: halves.samples[arm]["error_rate"].total for arm in ("baseline", "canary")}
    of_all = whole.samples["baseline"]["error_rate"].total
    assert totals["baseline"] is not None
    assert totals["canary"] is not None
    assert of_all is not None
    assert halves.at_once
    assert totals["baseline"].sum() + totals["canary"].sum() == pytest.approx(of_all.sum(), abs=1)
    assert 0.4 < totals["baseline"].sum() / of_all.sum() < 0.6


@pytest.mark.parametrize(
    ("label", "words"),
    [("version", "have 1 values of that label"), ("nowhere", "have 0 values"), ("a b", "not a label")],
)
def test_a_label_that_does_not_split_is_told(url: str, config: JudgeConfig, label: str, words: str) -> None:
    with Prometheus(url) as client, pytest.raises(UsageError, match=words):
        from_server(config, client, SPAN, 20.0, label)


def test_the_command_asks_the_server_once_and_goes_on_without_it(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "canary.yml").write_text(CONFIG)
    command = [
        "backtest",
        "--config",
        str(tmp_path / "canary.yml"),
        "--prometheus",
        url,
        "--days",
        str(1800 / 86_400),
    ]
    command += [
        "--to",
        "2020-01-01T10:30:00Z",
        "--split",
        "pod",
        "--out",
        str(tmp_path / "out"),
        "--budget",
        "10s",
    ]

    assert run(command) == Exit.OK
    assert "Two halves of one version's fleet were compared" in capsys.readouterr().out
    results = tmp_path / "out" / "results.jsonl"
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:-5]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prometheus, "query_range", None)
        assert run(command) == Exit.OK
    assert results.read_text().splitlines(keepends=True) == lines


def test_an_incomplete_answer_is_no_past(config: JudgeConfig) -> None:
    with (
        faulty(matrix(isPartial=True)) as server,
        Prometheus(server.url) as client,
        pytest.raises(EnvironmentError_, match="its answer is incomplete"),
    ):
        from_server(config, client, SPAN, 20.0, None)


def test_two_files_are_two_halves_and_one_is_one_after_the_other(tmp_path: Path) -> None:
    a, b = past_csv(tmp_path / "a.csv", 240), past_csv(tmp_path / "b.csv", 240, seed=2)

    assert from_files(judged(), a, b).at_once
    assert not from_files(judged(), a, None).at_once
    with pytest.raises(UsageError, match="the same file for both sides"):
        from_files(judged(), a, a)
