"""k6's CSV and JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import UsageError
from pipeline.loadtests.formats import read_load_test
from tests.support.load_tests import recorded, text_of

_HEADER = "metric_name,timestamp,metric_value,check,error,error_code,expected_response,name,status\n"


def _k6(path: Path, *rows: str) -> Path:
    path.write_text(_HEADER + "".join(f"{row}\n" for row in rows))
    return path


def test_each_request_is_counted_once_whatever_other_metrics_it_has() -> None:
    test = read_load_test(recorded("k6-master.csv.gz"))

    assert len(test.requests) == text_of("k6-master.csv.gz").count("\nhttp_reqs,")
    assert set(test.requests.status.tolist()) == {200}


def test_whole_seconds_are_told_and_blocks_are_of_whole_seconds() -> None:
    test = read_load_test(recorded("k6-master.csv.gz"))

    assert test.step == 1.0
    assert test.begin == int(test.begin)
    assert any("whole seconds" in note and "K6_CSV_TIME_FORMAT" in note for note in test.notes)


def test_of_whole_seconds_each_second_holds_the_requests_that_ended_in_it(tmp_path: Path) -> None:
    rows = [f"http_req_duration,{1796045942 + i // 10},{40 + i},,,,true,GET /,200" for i in range(100)]
    test = read_load_test(_k6(tmp_path / "a.csv", *rows))

    seconds, counts = np.unique(np.floor(test.requests.t - test.begin), return_counts=True)
    assert seconds.tolist() == list(range(10))
    assert counts.tolist() == [10] * 10


def test_csv_and_json_of_one_test_have_the_same_requests() -> None:
    csv, json = (read_load_test(recorded(f"k6-slow.{form}.gz")) for form in ("csv", "json"))

    n = len(json.requests)  # the recording's JSON is its beginning
    ours, theirs = np.sort(csv.requests.latency[: n - 40]), np.sort(json.requests.latency)
    assert np.isin(np.round(ours, 7), np.round(theirs, 7)).mean() > 0.9
    assert json.step == 0
    assert json.notes == ()


@pytest.mark.parametrize("unit", [1000, 1_000_000, 1_000_000_000])
def test_finer_stamps_are_the_end_of_a_request(tmp_path: Path, unit: int) -> None:
    rows = [
        f"http_req_duration,{(1796045942 * 1000 + 50 * i) * unit // 1000},250,,,,true,GET /,200"
        for i in range(9)
    ]
    test = read_load_test(_k6(tmp_path / "a.csv", *rows))

    assert test.requests.t[1] == pytest.approx(1796045942.05 - 0.25, abs=1e-6)
    assert test.step == 0


def test_no_answer_and_an_answer_that_broke_off_are_errors_and_5xx_is_a_status(tmp_path: Path) -> None:
    rows = [
        "http_req_duration,1796045942,0,,dial: connection refused,1212,false,GET /,0",
        "http_req_duration,1796045943,60000,,request timeout,1050,false,GET /,200",
        "http_req_duration,1796045944,12,,,1503,false,GET /,503",
        "http_req_duration,1796045945,12,,,1404,true,GET /,404",
    ]
    test = read_load_test(_k6(tmp_path / "a.csv", *rows))
    by_end = np.argsort(np.where(np.isnan(test.requests.latency), test.requests.t, test.requests.t))

    assert sorted(test.requests.status[by_end].tolist()) == [0, 200, 404, 503]
    assert np.isnan(test.requests.latency).sum() == 2
    assert any("status 404 is right by what the tool was told" in note for note in test.notes)


def test_iterations_that_k6_dropped_were_due_and_not_sent(tmp_path: Path) -> None:
    rows = [
        "http_req_duration,1796045942,5,,,,true,GET /,200",
        "dropped_iterations,1796045942,3,,,,,,",
        "http_req_duration,1796045944,5,,,,true,GET /,200",
    ]
    assert read_load_test(_k6(tmp_path / "a.csv", *rows)).unsent == 3


def test_without_statuses_errors_are_not_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "metric_name,timestamp,metric_value\n"
        + "".join(f"http_req_duration,{1796045942 + i},5\n" for i in range(9))
    )
    test = read_load_test(path)

    assert "latency_p50" in test.tells
    assert "error_rate" not in test.tells


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            "http_req_duration,1796045943,abc,,,,true,GET /,200",
            "a.csv:3: metric_value is 'abc', not a number",
        ),
        ("http_req_duration,yesterday,5,,,,true,GET /,200", "a.csv:3: 'yesterday' is not a time"),
        ("http_req_duration,1796045943000,5,,,,true,GET /,200", "a.csv:3: a time in milliseconds"),
        ("http_req_duration,1796045943,-5,,,,true,GET /,200", "a.csv:3: .*never below 0"),
        ("http_req_duration,1796045943,5,,,,true,GET /,2x0", "a.csv:3: status is '2x0', not a whole number"),
        ("http_req_duration,1796045943,5", "a.csv:3: 3 columns, the header has 9"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_load_test(_k6(tmp_path / "a.csv", "http_req_duration,1796045942,5,,,,true,GET /,200", row))
