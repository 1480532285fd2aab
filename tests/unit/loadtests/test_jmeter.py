"""JMeter's JTL as CSV and as XML."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import UsageError
from pipeline.loadtests.formats import read_load_test
from tests.support.load_tests import recorded, text_of

_HEADER = "timeStamp,elapsed,label,responseCode,responseMessage,success,bytes\n"


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_each_sample_of_a_recorded_test_is_read(form: str) -> None:
    text = text_of(f"jmeter-{form}-master.jtl.gz")
    samples = text.count("<httpSample ") if form == "xml" else text.count("\n") - 1
    test = read_load_test(recorded(f"jmeter-{form}-master.jtl.gz"))

    assert len(test.requests) == samples > 3
    assert {"error_rate", "response_size", "new_statuses"} <= test.tells


def test_assertions_missing_answers_and_transactions_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.jtl"
    path.write_text(
        _HEADER + "1796046068100,5,home,200,OK,true,10\n"
        "1796046068200,5,home,200,OK,false,10\n"
        "1796046068300,5,home,Non HTTP response code: java.net.ConnectException,refused,false,0\n"
        '1796046068400,15,all,200,"Number of samples in transaction : 3, number of failing samples : 2",false,20\n'
        "1796046068500,5,home,503,Busy,false,10\n"
    )
    test = read_load_test(path)

    assert test.requests.status.tolist() == [200, 200, 0, 503]
    assert test.requests.body_ok.tolist() == [1, 0, -1, -1]
    assert any("1 transactions are left out" in note for note in test.notes)


def test_samples_within_a_sample_are_not_counted_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jtl"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n'
        '<httpSample t="9" ts="1796046068100" s="true" lb="page" rc="200" rm="OK" by="10">\n'
        '  <httpSample t="3" ts="1796046068100" s="true" lb="page-0" rc="302" rm="Found" by="5"/>\n'
        "</httpSample>\n</testResults>\n"
    )
    assert read_load_test(path).requests.status.tolist() == [200]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            _HEADER + "2026/01/31 10:00:00,5,home,200,OK,true,1\n",
            "a.jtl:2: '2026/01/31 10:00:00' is not a time",
        ),
        (_HEADER + "1796046068100,5,home,200,OK,yes,1\n", "a.jtl:2: success is 'yes', not true or false"),
        ("timeStamp,elapsed,label\n1796046068100,5,home\n", "a.jtl:1: no column success"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><testResults/>\n', "a.jtl:1: an entity of its own"),
    ],
)
def test_what_jmeter_does_not_write_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.jtl"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_load_test(path)
