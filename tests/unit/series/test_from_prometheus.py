"""`pipeline judge --prometheus` against a real Prometheus that holds a fleet's past (real_prometheus.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.base.errors import Exit, UsageError
from pipeline.cli.root import run
from pipeline.series.credentials import VARIABLE
from pipeline.series.prometheus import MOST_POINTS, Prometheus
from tests.support.prometheus_faults import Answering, faulty, matrix
from tests.support.real_prometheus import BEGIN, PASSWORD, serving, truth, write_fleet

CONFIG: Final = """
arms:
  baseline: {version: old}
  canary: {version: CANARY}
window: {from: "2020-01-01T10:00:00Z", to: "2020-01-01T10:30:00Z"}
step: 15s
metrics:
  - name: error_rate
    title: Errors
    kind: proportion
    margin: 0.5pp
    group: errors
    weight: 30
    critical: true
    prometheus:
      counters: true
      hits: http_requests_total{$arm,status=~"5.."}
      total: http_requests_total{$arm}
      absent: zero
  - name: latency_p50
    title: Latency, median
    kind: level
    unit: s
    margin: 10%
    floor: 1ms
    group: latency
    weight: 30
    prometheus:
      query: histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{$arm}[$step])))
  - name: memory
    kind: level
    unit: B
    margin: 10%
    prometheus: {query: "avg(process_resident_memory_bytes{$arm})"}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("fleet")
    write_fleet(directory)
    return directory


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    with serving(data) as address:
        yield address


Judged = Callable[..., tuple[int, str, str]]


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judged:
    """Runs the command on a configuration; gives its exit code and what it printed."""

    def judge(text: str, *arguments: str) -> tuple[int, str, str]:
        (tmp_path / "canary.yml").write_text(text, "utf-8")
        code = run(["judge", "--config", str(tmp_path / "canary.yml"), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return judge


def _metrics(out: str) -> dict[str, dict[str, Any]]:
    return {metric["name"]: metric for metric in json.loads(out)["metrics"]}


def test_a_version_that_is_the_same_passes(judged: Judged, url: str) -> None:
    code, out, _ = judged(CONFIG.replace("CANARY", "same"), "--prometheus", url)
    assert code == Exit.OK
    assert out.splitlines()[-1] == "canary score 100/100: passed (baseline version=old, canary version=same)"
    assert "Both versions ran at the same time" in out


def test_the_example_of_the_docs_works_as_it_stands_there(judged: Judged, url: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "prometheus.md").read_text("utf-8")
    example = page.split("```yaml\n")[1].split("```")[0].replace("1.4.0", "old")
    window = ["--prometheus", url, "--from", "2020-01-01T10:00:00Z", "--to", "2020-01-01T10:30:00Z"]
    assert judged(example.replace("1.5.0", "same"), *window)[0] == Exit.OK
    code, out, _ = judged(example.replace("1.5.0", "worse"), *window, "--json")
    assert code == Exit.FAILED
    decisions = {name: metric["decision"] for name, metric in _metrics(out).items()}
    assert decisions["error_rate"] == "fail"
    assert "pass" not in (decisions["latency_p50"], decisions["latency_p99"])
    assert (decisions["cpu"], decisions["memory_growth"]) == ("pass", "pass")


def test_a_version_that_is_worse_fails_and_every_request_was_counted_once(judged: Judged, url: str) -> None:
    code, out, _ = judged(CONFIG.replace("CANARY", "worse"), "--prometheus", url, "--json")
    assert code == Exit.FAILED
    metrics = _metrics(out)
    assert {name: m["decision"] for name, m in metrics.items()} == {
        "error_rate": "fail",
        "latency_p50": "fail",
        "memory": "pass",
    }
    bad, total = truth("worse")
    assert metrics["error_rate"]["canary"]["n"] == total
    assert metrics["error_rate"]["canary"]["value"] == pytest.approx(bad / total, rel=1e-12)
    assert metrics["error_rate"]["baseline"]["n"] == truth("old")[1]
    assert metrics["latency_p50"]["canary"]["value"] == pytest.approx(0.045, rel=0.05)


def test_a_counter_that_begins_again_and_one_that_appears_lose_nothing(judged: Judged, url: str) -> None:
    config = CONFIG[: CONFIG.index("metrics:")].replace("CANARY", "same")
    jobs = "{name: jobs, kind: count, margin: 5, prometheus: {counters: true, query: 'jobs_total{$arm}'}}"
    _, out, _ = judged(f"{config}metrics: [{jobs}]", "--prometheus", url, "--json")
    metric = _metrics(out)["jobs"]
    assert metric["baseline"]["value"] == 10 * (360 + 162)
    assert (metric["canary"]["value"], metric["decision"]) == (0, "pass")


def test_a_version_without_the_metric_does_not_pass(judged: Judged, url: str) -> None:
    code, out, _ = judged(CONFIG.replace("CANARY", "shrunk"), "--prometheus", url)
    assert code == Exit.INCONCLUSIVE
    assert "latency_p50: nothing in the canary for histogram_quantile(0.5" in " ".join(out.split())


def test_labels_that_no_series_has_are_told_and_do_not_pass(judged: Judged, url: str) -> None:
    code, out, _ = judged(CONFIG.replace("CANARY", "none").replace("old", "never"), "--prometheus", url)
    assert code == Exit.INCONCLUSIVE
    assert "No metric could be compared" in out


def test_no_series_of_hits_at_all_is_no_evidence_unless_the_configuration_says_so(
    judged: Judged, url: str
) -> None:
    text = CONFIG.replace("CANARY", "same").replace("absent: zero", "absent: missing")
    code, out, _ = judged(text, "--prometheus", url, "--json")
    assert code == Exit.INCONCLUSIVE
    assert _metrics(out)["error_rate"]["decision"] == "nodata"


def test_a_series_without_any_sample_is_no_evidence(judged: Judged) -> None:
    config = CONFIG[: CONFIG.index("metrics:")].replace("CANARY", "same")
    jobs = "{name: jobs, kind: count, margin: 5, prometheus: {counters: true, query: 'jobs_total{$arm}'}}"
    with faulty(matrix({"metric": {"pod": "a"}, "values": []})) as server:
        code, out, _ = judged(f"{config}metrics: [{jobs}]", "--prometheus", server.url, "--json")
    assert code == Exit.INCONCLUSIVE
    assert _metrics(out)["jobs"]["decision"] == "nodata"


def test_windows_that_overlap_do_not_compare_a_series_with_itself(judged: Judged, url: str) -> None:
    window = [
        "--baseline-from",
        "2020-01-01T10:00:00Z",
        "--baseline-to",
        "2020-01-01T10:20:00Z",
        "--canary-from",
        "2020-01-01T10:15:00Z",
        "--canary-to",
        "2020-01-01T10:30:00Z",
    ]
    code, _, err = judged(CONFIG.replace("CANARY", "old"), "--prometheus", url, *window)
    assert code == Exit.USAGE
    assert "asks the same for both versions at the same time" in err


def test_kept_series_give_the_same_verdict_without_the_server(
    judged: Judged, url: str, tmp_path: Path
) -> None:
    text = CONFIG.replace("CANARY", "worse")
    files = [f"--{arm}={tmp_path / 'kept' / arm}.csv" for arm in ("baseline", "canary")]
    for planned in ("30m", "unknown", "2h"):
        end = ["--planned", planned, "--json"]
        first = judged(text, "--prometheus", url, "--keep", str(tmp_path / "kept"), *end)
        again = judged(text, *files, *end)
        assert first[0] == again[0] == Exit.FAILED
        assert json.loads(first[1])["metrics"] == json.loads(again[1])["metrics"]


def test_one_version_after_the_other_is_paired_by_age(judged: Judged, url: str) -> None:
    window = [
        "--baseline-from",
        "2020-01-01T10:00:00Z",
        "--baseline-to",
        "2020-01-01T10:15:00Z",
        "--canary-from",
        "2020-01-01T10:15:00Z",
        "--canary-to",
        "2020-01-01T10:30:00Z",
    ]
    text = CONFIG.replace("CANARY", "old")  # the same labels: what was released in between is the canary
    code, out, _ = judged(text, "--prometheus", url, *window)
    assert code == Exit.OK
    assert "The versions ran at different times" in out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CANARY": "old"}, "error_rate: hits asks the same for both versions at the same time"),
        ({"avg(process_resident_memory_bytes{$arm})": "process_resident_memory_bytes{$arm}"},
         "memory: 2 series in the baseline where one is needed: they differ in pod (old-a, old-b)"),
        ({"avg(process_resident_memory_bytes{$arm})": "mad_over_time(process_resident_memory_bytes{$arm}[15s])"},
         "Prometheus refuses the query mad_over_time(process_resident"),
        ({"counters: true": "", "hits: http_": "hits: sum(increase(http_", '"5.."}': '"5.."}[5m]))',
          "total: http_requests_total{$arm}": "total: sum(increase(http_requests_total{$arm}[$step]))"},
         "error_rate: hits counts over 300 s at each step of 15 s, so not each event once"),
        ({"counters: true": "", 'hits: http_requests_total{$arm,status=~"5.."}':
          'hits: sum(increase(http_requests_total{$arm,status=~"5.."}[$step]))',
          "total: http_requests_total{$arm}": "total: sum(last_over_time(http_requests_total{$arm}[$step]))"},
         "error_rate, baseline: the total goes on rising, as a counter does: write counters: true"),
        ({"CANARY": "worse", "5..": "200", "total{$arm}": 'total{$arm,status="500"}'},
         "hits are more than their total"),
    ],
)  # fmt: skip
def test_queries_that_cannot_be_evidence_are_refused(
    judged: Judged, url: str, changes: dict[str, str], words: str
) -> None:
    text = CONFIG
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    code, _, err = judged(text.replace("CANARY", "same"), "--prometheus", url)
    assert code == Exit.USAGE
    assert words in err


def test_more_points_than_prometheus_gives_at_once_come_in_pages(url: str) -> None:
    with Prometheus(url) as client:
        (found,) = client.query_range("steady", BEGIN - 14_400, BEGIN, 1).series
        with pytest.raises(UsageError, match="exceeded maximum resolution of 11,000 points"):
            client._ask(
                "query_range",
                "steady",
                {"start": str(BEGIN - MOST_POINTS - 1), "end": str(BEGIN), "step": "1"},
            )
    assert len(found.t) == 14_401
    assert found.t.tolist() == [BEGIN - 14_400 + i for i in range(14_401)]
    assert found.value[[0, 59, 60, -1]].tolist() == [0, 0, 1, 240]


def test_a_server_with_a_password_takes_it_from_a_file_and_from_the_environment(
    judged: Judged, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CONFIG.replace("CANARY", "same")
    line = f"Basic judge:{PASSWORD}"
    (tmp_path / "credentials").write_text(line, "utf-8")
    (tmp_path / "credentials").chmod(0o600)
    with serving(data, password=True) as url:
        code, _, err = judged(text, "--prometheus", url)
        assert code == Exit.USAGE
        assert "wants other credentials (401)" in err
        assert judged(text, "--prometheus", url, "--credentials", str(tmp_path / "credentials"))[0] == Exit.OK
        monkeypatch.setenv(VARIABLE, line)
        assert judged(text, "--prometheus", url)[0] == Exit.OK
        monkeypatch.setenv(VARIABLE, line + "x")
        code, out, err = judged(text, "--prometheus", url)
    assert code == Exit.USAGE
    assert PASSWORD not in out + err


def test_a_certificate_is_trusted_only_where_its_authority_is_named(
    judged: Judged, data: Path, tmp_path: Path
) -> None:
    text = CONFIG.replace("CANARY", "same")
    with serving(data, tls=True) as url:
        code, _, err = judged(text, "--prometheus", url)
        assert code == Exit.ENVIRONMENT
        assert "its certificate is not trusted" in err
        assert judged(text, "--prometheus", url, "--ca", str(data / "cert.pem"))[0] == Exit.OK
        (tmp_path / "none.pem").write_text("no certificate", "utf-8")
        code, _, err = judged(text, "--prometheus", url, "--ca", str(tmp_path / "none.pem"))
    assert code == Exit.ENVIRONMENT
    assert "cannot be asked" in err


class _Fleet:
    """Two pods a version, of which one of the canary's fails 80 % of its requests; 60 steps of 15 s."""

    def answers(self, *, bad_pod: bool, says: dict[str, Any], both: bool = False) -> list[Answering]:
        """In the order they are asked for: the baseline's totals and hits, then the canary's.

        `says` stands in the canary's, with `both` in the baseline's as well.
        """
        found = []
        for arm in ("old", "new"):
            pods = {"a": 0, "b": 120 if arm == "new" else 0}
            if arm == "new" and not bad_pod:
                del pods["b"]
            other = says if arm == "new" or both else {}
            found += [
                matrix(*(self._counter(pod, each) for pod, each in rises.items()), **other)
                for rises in (dict.fromkeys(pods, 150), pods)
            ]
        return found

    @staticmethod
    def _counter(pod: str, each: int) -> dict[str, Any]:
        values = [[BEGIN + 15 * i, str(each * i)] for i in range(61)]
        return {"metric": {"pod": pod}, "values": values}


_ERRORS: Final = """
arms: {baseline: {v: old}, canary: {v: new}}
window: {from: "2020-01-01T10:00:00Z", to: "2020-01-01T10:15:00Z"}
metrics:
  - name: error_rate
    kind: proportion
    margin: 0.5pp
    critical: true
    prometheus: {counters: true, hits: 'x_total{$arm,code="500"}', total: "x_total{$arm}"}
"""
_STORE: Final = "receive series from store-2: rpc error: code = Unavailable"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"isPartial": True}, '"isPartial": true'),
        ({"warnings": [_STORE]}, _STORE),
        ({"warnings": _STORE}, _STORE),
    ],
)
def test_an_answer_that_says_it_is_incomplete_is_no_evidence(
    judged: Judged, tmp_path: Path, says: dict[str, Any], words: str
) -> None:
    """With the pod that fails left out nothing is wrong with what is there, and that must not pass; nor fail."""
    fleet = _Fleet()
    with faulty(*fleet.answers(bad_pod=False, says={})) as server:
        assert judged(_ERRORS, "--prometheus", server.url)[0] == Exit.OK
    for policy in ("", "policy: {undecided: pass}"):
        for bad_pod in (False, True):
            kept = tmp_path / "kept"
            with faulty(*fleet.answers(bad_pod=bad_pod, says=says)) as server:
                code, out, _ = judged(_ERRORS + policy, "--prometheus", server.url, "--keep", str(kept))
            assert code == Exit.INCONCLUSIVE
            said = " ".join(out.split())
            assert f"the server says that its answer for the canary is incomplete: {words}" in said
            assert "An incomplete answer is not kept" in said
            assert not kept.exists()


def test_a_harmless_remark_is_a_note_that_is_shown_once(judged: Judged) -> None:
    remark = "PromQL info: metric might not be a counter, name does not end in _total"
    says = {"infos": [f"{remark} (1:6)"], "warnings": [f"{remark} (1:9)"]}
    with faulty(*_Fleet().answers(bad_pod=False, says=says, both=True)) as server:
        code, out, _ = judged(_ERRORS, "--prometheus", server.url)
    assert code == Exit.OK
    assert " ".join(out.split()).count(f"error_rate: the server remarks: {remark}") == 1


_PLANNED: Final = CONFIG.replace("CANARY", "same").replace(
    'to: "2020-01-01T10:30:00Z"', 'to: "2020-01-01T10:20:00Z"'
)


def test_the_bounds_of_the_end_are_for_a_planned_length_that_is_reached(judged: Judged, url: str) -> None:
    widths = {}
    for planned in ("20m", "20.5m", "unknown"):
        _, out, _ = judged(_PLANNED, "--prometheus", url, "--planned", planned, "--json")
        latency = _metrics(out)["latency_p50"]
        widths[planned] = latency["high"] - latency["effect"]
    assert widths["20m"] < 0.6 * min(widths["20.5m"], widths["unknown"])
    _, out, _ = judged(_PLANNED, "--prometheus", url, "--planned", "20.5m")
    assert "20 min of the planned 20 min 30 s" in " ".join(out.split())


def test_without_a_planned_length_the_verdict_says_that_its_bounds_hold_at_every_look(
    judged: Judged, url: str
) -> None:
    _, out, _ = judged(_PLANNED, "--prometheus", url)
    assert "Nobody said before how long the window would be" in " ".join(out.split())


def test_after_the_planned_end_the_verdict_does_not_change_any_more(judged: Judged, url: str) -> None:
    """What the file plans is cut there, so that who asks again sees the same window."""
    text = f"planned: 10m\n{_PLANNED}"
    first, later = (
        judged(text, "--prometheus", url, "--json", "--to", f"2020-01-01T10:{minute}:00Z")
        for minute in (10, 20)
    )
    assert first == later
    assert "The planned 10 min are over" in first[1]


def test_a_planned_length_needs_a_beginning_that_stays(judged: Judged) -> None:
    for name in ("--from", "--canary-from"):
        for instant in ("-30m", "now"):
            code, _, err = judged(_PLANNED, "--prometheus", "http://x", "--planned", "30m", name, instant)
            assert code == Exit.USAGE
            assert "a planned length needs a beginning that stays" in err


@pytest.mark.parametrize("name", ["--from", "--to", "--canary-from", "--baseline-to"])
def test_a_time_that_is_none_is_told_by_the_option_that_was_typed(judged: Judged, name: str) -> None:
    times = {"--from": "-30m", "--to": "now", name: "yesterday"}
    code, _, err = judged(
        _PLANNED, "--prometheus", "http://x", *(word for pair in times.items() for word in pair)
    )
    assert code == Exit.USAGE
    assert f"{name}: 'yesterday' is not a time" in err


@pytest.mark.parametrize("planned", ["0s", "soon", "-30m", "nan"])
def test_a_planned_length_that_is_none_is_refused(judged: Judged, planned: str) -> None:
    code, _, err = judged(_PLANNED, "--prometheus", "http://x", "--planned", planned)
    assert code == Exit.USAGE
    assert "--planned: " in err
    code, _, err = judged(f"planned: {planned}\n{_PLANNED}", "--prometheus", "http://x")
    assert code == Exit.USAGE
    assert "canary.yml:1: planned" in err


def test_two_authorizations_are_refused_and_headers_from_a_file_are_sent(
    judged: Judged, tmp_path: Path
) -> None:
    for name, line in (("headers", "Authorization: Bearer b"), ("credentials", "Bearer a")):
        (tmp_path / name).write_text(line, "utf-8")
        (tmp_path / name).chmod(0o600)
    headers = ("--header-file", str(tmp_path / "headers"))
    with faulty(matrix()) as server:
        code, _, err = judged(
            _ERRORS, "--prometheus", server.url, *headers, "--credentials", str(tmp_path / "credentials")
        )
        assert code == Exit.USAGE
        assert "both give Authorization" in err
        judged(_ERRORS, "--prometheus", server.url, *headers)
    assert server.seen[0][0]["Authorization"] == "Bearer b"
