"""Spinnaker's configuration on a real Prometheus that holds a fleet's past (real_prometheus.py), by both judges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from rich.cells import cell_len

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from pipeline.series.prometheus import Prometheus
from tests.support.real_prometheus import BEGIN, serving, write_fleet

Judged = Callable[..., tuple[int, str, str]]
WINDOW: Final = ("--from", "2020-01-01T10:00:00Z", "--to", "2020-01-01T10:30:00Z")
SCOPES: Final = ("--scope", "baseline=old", "--scope", "canary=CANARY", "--scope", "step=15s")
LATENCY: Final = (
    "PromQL:histogram_quantile(0.5, sum by (le) "
    '(rate(http_request_duration_seconds_bucket{version="${scope}"}[${range:-15s}])))'
)
ERRORS: Final = 'PromQL:sum(rate(http_requests_total{version="${scope}",status=~"5.."}[15s]))'


def _metric(name: str, group: str, query: dict[str, Any], **canary: Any) -> dict[str, Any]:
    return {
        "name": name,
        "groups": [group],
        "scopeName": "default",
        "query": {"type": "prometheus", "serviceType": "prometheus", **query},
        "analysisConfigurations": {"canary": {"direction": "increase", **canary}},
    }


def config(**templates: str) -> dict[str, Any]:
    """A configuration as Spinnaker's own pages make one: expressions, a template by name, groups and weights."""
    return {
        "name": "fleet",
        "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
        "metrics": [
            _metric(
                "p50 of requests",
                "latency",
                {"customInlineTemplate": LATENCY},
                effectSize={"allowedIncrease": 1.1},
            ),
            _metric(
                "errors", "errors", {"customInlineTemplate": ERRORS}, nanStrategy="replace", critical=True
            ),
            _metric(
                "memory",
                "system",
                {"metricName": "process_resident_memory_bytes", "customFilterTemplate": "by version"},
                direction="either",
                effectSize={"allowedIncrease": 1.1, "allowedDecrease": 0.9},
            ),
        ],
        "templates": {"by version": 'version="${scope}"', **templates},
        "classifier": {
            "groupWeights": {"latency": 40, "errors": 40, "system": 20},
            "scoreThresholds": {"pass": 95, "marginal": 75},
        },
    }


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("fleet")
    write_fleet(directory)
    with serving(directory) as address:
        yield address


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str) -> Judged:
    """Runs the command on a configuration; gives its exit code and what it printed."""

    def judge(data: Any, which: str, *arguments: str) -> tuple[int, str, str]:
        (tmp_path / "canary.json").write_text(json.dumps(data, indent=1), "utf-8")
        given = ("--judge", which, "--config", str(tmp_path / "canary.json"), "--prometheus", url)
        code = run(["judge", *given, *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return judge


def _scopes(canary: str) -> tuple[str, ...]:
    return (*(text.replace("CANARY", canary) for text in SCOPES), *WINDOW)


@pytest.mark.parametrize(
    ("canary", "code", "words"),
    [("same", Exit.OK, ["Pass", "Pass", "Pass"]), ("worse", Exit.FAILED, ["High", "High", "Pass"])],
)
def test_kayenta_s_judge_asks_what_kayenta_asks(
    judged: Judged, url: str, canary: str, code: Exit, words: list[str]
) -> None:
    found, out, _ = judged(config(), "kayenta", *_scopes(canary), "--json")
    assert found == code
    results = json.loads(out)["result"]["results"]
    assert [one["classification"] for one in results] == words
    assert [one["tags"] for one in results] == [{}, {}, {}]
    # The query that its own module would send, by hand: both ends of the window are asked for.
    with Prometheus(url) as client:
        answer = client.query_range(
            f'avg(process_resident_memory_bytes{{version="{canary}"}})', BEGIN, BEGIN + 1800, 15
        )
    (series,) = answer.series
    stats = results[2]["experimentMetadata"]["stats"]
    assert (stats["count"], stats["max"]) == (len(series.t), series.value.max()) == (121, series.value.max())
    assert stats["mean"] == pytest.approx(series.value.mean(), rel=1e-12)


def test_a_series_that_is_not_there_is_as_many_zeros_as_the_window_has_steps(judged: Judged) -> None:
    _, out, _ = judged(config(), "kayenta", *_scopes("worse"), "--json")
    errors = json.loads(out)["result"]["results"][1]
    assert errors["controlMetadata"]["stats"] == {"count": 120, "min": 0, "max": 0, "mean": 0, "std": 0}
    assert errors["experimentMetadata"]["stats"]["count"] > 100


@pytest.mark.parametrize(
    ("canary", "code", "decisions"),
    [
        ("same", Exit.OK, ["pass", "pass", "pass"]),
        ("worse", Exit.FAILED, ["fail", "fail", "pass"]),
        # Its histogram is gone: Kayenta's 100 for a group without data is no pass of ours.
        ("shrunk", Exit.INCONCLUSIVE, ["inconclusive", "pass", "pass"]),
    ],
)
def test_our_judge_takes_the_same_configuration(
    judged: Judged, canary: str, code: Exit, decisions: list[str]
) -> None:
    found, out, _ = judged(config(), "pipeline", *_scopes(canary), "--planned", "30m", "--json")
    verdict = json.loads(out)
    assert (found, verdict["pass_score"]) == (code, 95)
    metrics = verdict["metrics"]
    assert [one["decision"] for one in metrics] == decisions
    assert [one["title"] for one in metrics] == ["p50 of requests", "errors", "memory"]
    assert [(one["weight"], one["critical"]) for one in metrics] == [(40, False), (40, True), (20, False)]
    assert [one["threshold"] for one in metrics][::2] == [0.1, 0.1]


@pytest.mark.parametrize("columns", [80, 120])
def test_both_judges_are_seen_in_one_table(
    judged: Judged, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = judged(config(), "both", *_scopes("shrunk"), "--planned", "30m")
    assert code == Exit.INCONCLUSIVE
    lines = out.splitlines()
    assert [line for line in lines if cell_len(line) > columns] == []
    head = next(line.split() for line in lines if line.startswith("metric"))
    assert head[-2:] == ["Kayenta", "pipeline"]
    row = next(line for line in lines if line.startswith("p50 of requests"))
    assert row.split()[-2:] == ["Nodata", "inconclusive"]
    assert any(line.startswith("differs: p50 of requests: Kayenta says Nodata") for line in lines)
    assert lines[-2] == "canary score 100/100: Pass (Kayenta: passes from 95, marginal from 75)"
    assert lines[-1].endswith(": inconclusive (pipeline: passes from 95)")


def test_both_as_one_document_with_the_outcome_of_ours(judged: Judged) -> None:
    code, out, _ = judged(config(), "both", *_scopes("shrunk"), "--json")
    document = json.loads(out)
    assert (code, document["outcome"]) == (Exit.INCONCLUSIVE, "inconclusive")
    assert document["kayenta"]["outcome"] == "passed"
    own = {metric["name"] for metric in document["pipeline"]["metrics"]}
    assert set(document["names"]) == own == {"p50_of_requests", "errors", "memory"}


def test_the_scopes_and_windows_of_a_request_are_taken(judged: Judged) -> None:
    times = {"start": "2020-01-01T10:00:00Z", "end": BEGIN + 1800, "step": 15}
    pair = {
        "controlScope": {"scope": "old", "location": "here", **times},
        "experimentScope": {"scope": "same", "extendedScopeParams": {"range": "30s"}, **times},
    }
    request = {"scopes": {"default": pair}, "thresholds": {"pass": 90, "marginal": 50}}
    body = {"canaryConfig": config(), "executionRequest": request}
    code, out, _ = judged(body, "pipeline", "--json")
    assert (code, json.loads(out)["pass_score"]) == (Exit.OK, 90)
    # The request has said how long the windows are, so their end is a planned one.
    assert any("planned 30 min are over" in note for note in json.loads(out)["notes"])
    assert judged(body, "kayenta", "--scope", "canary=worse")[0] == Exit.FAILED


def test_the_scopes_of_the_standalone_api_are_taken(judged: Judged) -> None:
    times = {"startTimeIso": "2020-01-01T10:00:00Z", "endTimeIso": "2020-01-01T10:30:00Z", "step": 15}
    scope = {"controlScope": "old", "experimentScope": "worse", "controlLocation": "a", **times}
    body = {"canaryConfig": config(), "executionRequest": {"scopes": [scope]}}
    assert judged(body, "both")[0] == Exit.FAILED


def test_series_that_labels_split_are_compared_by_pairs(judged: Judged) -> None:
    data = config(job='version="${scope}",le=~"0.0[15]"')
    query = {
        "metricName": "http_request_duration_seconds_bucket",
        "customFilterTemplate": "job",
        "groupByFields": ["le"],
    }
    data["metrics"] = [_metric("buckets", "latency", query, direction="decrease"), data["metrics"][2]]
    code, out, _ = judged(data, "both", *_scopes("worse"), "--json")
    document = json.loads(out)
    results = document["kayenta"]["result"]["results"]
    assert [one["tags"] for one in results] == [{"le": "0.01"}, {"le": "0.05"}, {}]
    assert code == Exit.INCONCLUSIVE  # raw counters: a level that never settles
    titles = [one["title"] for one in document["pipeline"]["metrics"]]
    assert titles == ["buckets {le: 0.01}", "buckets {le: 0.05}", "memory"]


def test_a_muted_metric_is_shown_and_not_judged_by_ours(judged: Judged) -> None:
    data = config()
    data["metrics"][0]["analysisConfigurations"]["canary"]["muted"] = True
    code, out, _ = judged(data, "both", *_scopes("worse"))
    row = next(line for line in out.splitlines() if line.startswith("p50 of requests"))
    assert row.split()[-3:] == ["High", "(muted)", "-"]
    assert "note: muted, so pipeline does not judge it: p50 of requests" in out
    assert code == Exit.FAILED


@pytest.mark.parametrize("which", ["kayenta", "pipeline", "both"])
@pytest.mark.parametrize(
    ("arm", "named"), [("baseline", "old"), ("canary", "same")], ids=["baseline", "canary"]
)
def test_a_scope_that_names_nothing_is_told_in_one_line(
    judged: Judged, which: str, arm: str, named: str
) -> None:
    given = [text.replace(f"{arm}={named}", f"{arm}=nobody") for text in _scopes("same")]
    code, out, err = judged(config(), which, *given)
    assert (code, out) == (Exit.USAGE, "")
    assert err.startswith(f"pipeline: the scope of the {arm}, 'nobody', names nothing: none of its 3 queries")
    assert len(err.splitlines()) == 2  # and what to look at


@pytest.mark.parametrize("which", ["kayenta", "pipeline"])
def test_what_both_versions_share_does_not_stand_for_a_canary_that_is_not_there(
    judged: Judged, which: str
) -> None:
    data = config()
    shared = _metric("all", "system", {"customInlineTemplate": "PromQL:sum(http_requests_total)"})
    data["metrics"] = [data["metrics"][1], shared]  # errors, of which none are taken for 0
    code, _, err = judged(data, which, *_scopes("nobody"))
    assert code == Exit.USAGE
    assert "names nothing: its query gives no series" in err


def test_where_nothing_of_a_version_was_seen_nothing_is_taken_for_zero(judged: Judged) -> None:
    data = config()
    data["metrics"] = data["metrics"][1:]
    later = ("--canary-to", "2020-01-01T11:00:00Z")  # half an hour longer than it was there
    _, out, _ = judged(data, "pipeline", *_scopes("same"), *later, "--baseline-to", later[1], "--json")
    errors = json.loads(out)["metrics"][0]
    assert errors["canary"]["n"] < 150  # of 240 steps


def test_the_same_scope_for_both_compares_nothing(judged: Judged) -> None:
    code, _, err = judged(config(), "kayenta", *_scopes("old"))
    assert code == Exit.USAGE
    assert "asks the same for both versions at the same time" in err


def test_one_metric_of_both_versions_alike_is_noted(judged: Judged) -> None:
    data = config()
    data["metrics"].append(
        _metric("all", "system", {"customInlineTemplate": "PromQL:sum(http_requests_total)"})
    )
    _, out, _ = judged(data, "kayenta", *_scopes("same"))
    assert "note: all: its query is the same for both versions, so it compares nothing" in out


def test_what_the_server_refuses_is_told_with_its_words(judged: Judged) -> None:
    data = config()
    data["metrics"][0]["query"]["customInlineTemplate"] = "PromQL:sum(${scope}"
    code, _, err = judged(data, "both", *_scopes("same"))
    assert code == Exit.USAGE
    assert "Prometheus refuses the query sum(old" in err


def test_metrics_of_two_windows_are_kayenta_s_alone(judged: Judged) -> None:
    pair = {
        arm: {"scope": scope, "start": "2020-01-01T10:00:00Z", "end": "2020-01-01T10:30:00Z", "step": 15}
        for arm, scope in (("controlScope", "old"), ("experimentScope", "same"))
    }
    later = {arm: {**scope, "start": "2020-01-01T10:10:00Z"} for arm, scope in pair.items()}
    data = config()
    data["metrics"][2]["scopeName"] = "later"
    body = {"canaryConfig": data, "executionRequest": {"scopes": {"default": pair, "later": later}}}
    code, out, _ = judged(body, "kayenta", "--json")
    assert code == Exit.OK
    counts = [one["controlMetadata"]["stats"]["count"] for one in json.loads(out)["result"]["results"]]
    assert counts[2] == 81
    code, _, err = judged(body, "both")
    assert code == Exit.USAGE
    assert "memory has another window or step than p50 of requests" in err
