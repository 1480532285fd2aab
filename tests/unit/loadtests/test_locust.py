"""locust's history of statistics, and a log of its requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import UsageError
from pipeline.loadtests.formats import read_load_test
from tests.support.load_tests import recorded, text_of

_LOG = "start_time,response_time,request_type,name,response_length,status_code,exception\n"


def test_a_log_has_each_request_from_its_beginning_on() -> None:
    test = read_load_test(recorded("locust-master.csv.gz"))

    assert len(test.requests) == text_of("locust-master.csv.gz").count("\n") - 1
    assert test.clock
    assert 0.001 < np.median(test.requests.latency) < 1
    assert set(test.requests.size.tolist()) == {6079}


def test_a_failure_is_a_status_no_answer_or_an_answer_that_the_test_did_not_like(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        _LOG + '1796046068.1,5,GET,/,10,500,"500 Server Error, for /"\n'
        "1796046068.2,5,GET,/,10,200,CatchResponseError('no title')\n"
        "1796046068.3,5,GET,/,0,0,ConnectionRefusedError(111)\n"
        "1796046068.4,5,GET,/,10,200,\n"
    )
    rows = read_load_test(path).requests

    assert rows.status.tolist() == [500, 200, 0, 200]
    assert rows.body_ok.tolist() == [-1, 0, -1, 1]
    assert [bool(error) for error in rows.error] == [False, False, True, False]


def test_the_history_counts_each_request_and_takes_each_percentile_once() -> None:
    test = read_load_test(recorded("locust-master_stats_history.csv.gz"))
    last = text_of("locust-master_stats_history.csv.gz").splitlines()[-1].split(",")

    assert test.summary["error_rate/total"].value.sum() == int(last[17])
    assert len(test.summary["latency_p50"].t) <= (test.end - test.begin) / 10 + 1
    assert np.all(np.diff(test.summary["latency_p50"].t) >= 9)
    assert "new_statuses" not in test.tells


def test_rows_of_two_tests_in_one_history_are_refused(tmp_path: Path) -> None:
    lines = text_of("locust-master_stats_history.csv.gz").splitlines()
    path = tmp_path / "two.csv"
    path.write_text("\n".join([*lines, *lines[1:], ""]))

    with pytest.raises(UsageError, match=rf"two.csv:{len(lines) + 1}: an earlier time"):
        read_load_test(path)


def test_several_kinds_of_request_are_judged_as_one_and_named(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"1796046068.{i},5,GET,/{i % 2},10,200," for i in range(1, 9)]
    path.write_text(_LOG + "\n".join([*rows, ""]))

    assert "2 different requests are judged as one: GET /1, GET /0" in read_load_test(path).notes
