"""Two load tests to a verdict: what goes together, what is said, and what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.base.errors import UsageError
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.loadtests.case import from_load_tests
from pipeline.loadtests.config import LoadTestConfig
from tests.support.load_tests import by_our_loader, recorded, written

_K6 = ("metric_name", "timestamp", "metric_value", "status", "name")


def _k6_row(t: float, took: float, status: int) -> Iterable[object]:
    return "http_req_duration", int(t), f"{1000 * took:.6f}", status, "GET /"


_Pair = tuple[Path, Path]


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, _Pair]:
    """Two minutes of two versions that are equal, and of one that is slower: rows and histograms."""
    top = tmp_path_factory.mktemp("tests")
    return {
        "a": by_our_loader(top / "a", seed=1, seconds=120),
        "b": by_our_loader(top / "b", seed=2, seconds=120),
        "slow": by_our_loader(top / "slow", seed=3, seconds=120, slower=1.3),
    }


def _judged(
    baseline: Path, canary: Path, config: LoadTestConfig | None = None, warmup: float = 0.0
) -> Verdict:
    case = from_load_tests(baseline, canary, config or LoadTestConfig(), warmup=warmup)
    return judge(case.evidence, case.rules, case.policy)


@pytest.mark.parametrize(
    ("slower", "errors", "outcome"),
    [(1.0, 0.0, Outcome.PASSED), (1.3, 0.0, Outcome.FAILED), (1.0, 0.05, Outcome.FAILED)],
)
def test_whole_seconds_of_k6_pass_equal_versions_and_find_harm(
    tmp_path: Path, slower: float, errors: float, outcome: Outcome
) -> None:
    a = written(tmp_path / "a.csv", _K6, _k6_row, seed=1, seconds=120)
    b = written(tmp_path / "b.csv", _K6, _k6_row, seed=2, seconds=120, slower=slower, errors=errors)

    verdict = _judged(a, b)

    assert verdict.outcome is outcome
    assert any("whole seconds" in note for note in verdict.notes)


def test_our_loaders_files_give_the_same(tests: dict[str, _Pair]) -> None:
    assert _judged(tests["a"][0], tests["b"][0]).outcome is Outcome.PASSED
    assert _judged(tests["a"][0], tests["slow"][0]).outcome is Outcome.FAILED


def test_vegeta_against_the_slow_sample_was_really_run() -> None:
    verdict = _judged(recorded("vegeta-master.json.gz"), recorded("vegeta-slow.json.gz"))

    assert verdict.outcome is Outcome.FAILED
    assert [metric.name for metric in verdict.metrics if metric.decision.value == "fail"] == ["latency_p50"]
    assert any("ran at the same time" in note for note in verdict.notes)


def test_k6_in_both_of_its_forms_was_really_run_and_tells_the_same() -> None:
    csv = _judged(recorded("k6-master.csv.gz"), recorded("k6-slow.csv.gz"))
    json = _judged(recorded("k6-master.json.gz"), recorded("k6-slow.json.gz"))

    assert csv.outcome is Outcome.INCONCLUSIVE  # 7 % slower in a noisy minute
    assert [metric.name for metric in csv.metrics] == [metric.name for metric in json.metrics]


def test_what_does_not_tell_errors_shows_harm_and_never_passes(tests: dict[str, _Pair]) -> None:
    a, b, slow = (tests[name][1] for name in ("a", "b", "slow"))

    equal = _judged(a, b)

    assert equal.outcome is Outcome.INCONCLUSIVE
    assert equal.reasons[0].startswith("The files do not tell: errors,")
    assert _judged(a, slow).outcome is Outcome.FAILED


def test_who_asks_for_latency_alone_gets_it(tests: dict[str, _Pair]) -> None:
    a, b = (tests[name][1] for name in "ab")
    config = LoadTestConfig.model_validate({"metrics": [{"name": "latency_p50", "threshold": "10%"}]})

    assert _judged(a, b, config).outcome is Outcome.PASSED


def test_locusts_history_shows_errors(tmp_path: Path) -> None:
    header = "Timestamp,User Count,Type,Name,50%,99%,Total Request Count,Total Failure Count"
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    for path, failures in ((a, 0), (b, 2)):
        rows = [
            f"{1796000000 + i},2,,Aggregated,{40 + i % 3},{80 + i % 7},{20 * i},{failures * i}"
            for i in range(300)
        ]
        path.write_text("\n".join([header, *rows, ""]))

    verdict = _judged(a, b)

    assert verdict.outcome is Outcome.FAILED
    assert [metric.name for metric in verdict.metrics if metric.decision.value == "fail"] == [
        "error_rate",
        "throughput",
    ]


def test_the_warm_up_is_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    a, _ = by_our_loader(tmp_path / "a", seed=1, seconds=60)
    b, _ = by_our_loader(tmp_path / "b", seed=2, seconds=60)
    case = from_load_tests(a, b, LoadTestConfig(), warmup=15)

    assert case.evidence.canary.seconds == pytest.approx(45, abs=0.1)
    assert len(case.evidence.canary.requests) == 45 * 20
    with pytest.raises(UsageError, match="too little to judge"):
        from_load_tests(a, b, LoadTestConfig(), warmup=60)


def test_a_late_loader_and_requests_that_were_not_sent_pass_nothing(tmp_path: Path) -> None:
    good, _ = by_our_loader(tmp_path / "a", seed=1)
    late, _ = by_our_loader(tmp_path / "b", seed=2, late=0.2)
    short, _ = by_our_loader(tmp_path / "c", seed=3, unsent=40)

    assert _judged(good, late).outcome is Outcome.INVALID
    assert _judged(good, short).outcome is Outcome.INCONCLUSIVE
    assert _judged(short, good).outcome is Outcome.INVALID


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    a, log = by_our_loader(tmp_path / "a")
    k6 = written(tmp_path / "k6.csv", _K6, _k6_row)

    with pytest.raises(UsageError, match="the same file for both versions"):
        _judged(a, a)
    with pytest.raises(UsageError, match=r"is of pipeline's loader, .* of k6: they measure differently"):
        _judged(a, k6)
    with pytest.raises(UsageError, match="they measure differently"):
        _judged(a, log)
    with pytest.raises(UsageError, match=r"has single requests and .* only sums"):
        _judged(recorded("locust-master.csv.gz"), recorded("locust-slow_stats_history.csv.gz"))


def test_a_file_in_another_unit_is_doubted(tmp_path: Path) -> None:
    """A JTL in seconds beside one in milliseconds: a thousand times faster passes nothing."""
    a = written(tmp_path / "a.csv", _K6, _k6_row, seed=1, seconds=120)
    b = written(tmp_path / "b.csv", _K6, _k6_row, seed=2, seconds=120, slower=0.001)

    assert _judged(a, b).outcome is Outcome.INCONCLUSIVE


def test_loads_that_differ_are_said_to(tmp_path: Path) -> None:
    a, _ = by_our_loader(tmp_path / "a", seconds=60)
    b = tmp_path / "b.csv"
    header, *rows = a.read_text().splitlines()
    b.write_text("\n".join([header, *rows[::2], ""]))

    assert any("got 20 requests a second, the canary 10" in note for note in _judged(a, b).notes)
