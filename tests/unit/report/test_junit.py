"""JUnit's XML: well formed, true to its counts, and red exactly where the exit code is not 0."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

import tests.support.report_samples as samples
from pipeline.cli.show import exit_code
from pipeline.judge.verdict import Decision, Outcome
from pipeline.report.junit import junit
from pipeline.runs.record import Record

RECORD = Record.from_dict(samples.run())


def parsed(**changes: object) -> ElementTree.Element:
    return ElementTree.fromstring(junit(samples.verdict(**changes), RECORD))  # noqa: S314 - our own text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_it_is_red_exactly_where_the_exit_code_is_not_0(outcome: Outcome) -> None:
    """Whatever single metrics say: a pass may have one that is worse, too little to fail the canary."""
    suite = parsed(outcome=outcome)[0]
    red = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    assert (red > 0) == bool(exit_code(outcome))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_counts_are_those_of_the_cases(outcome: Outcome) -> None:
    suites = parsed(outcome=outcome)
    suite = suites[0]
    assert int(suite.attrib["tests"]) == len(suite.findall("testcase")) == 1 + len(samples.verdict().metrics)
    for count, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[count]) == len(suite.findall(f"testcase/{element}"))
    assert suites.attrib["failures"] == suite.attrib["failures"]


def test_the_first_case_is_the_verdict_with_what_to_do_and_all_reasons() -> None:
    case = parsed()[0][0]
    assert case.attrib["name"] == "verdict"
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("Do not promote: 3,000 of 3,000 requests fail")
    assert samples.RUINED in (failure.text or "")


def test_a_metric_is_worse_or_skipped_with_its_reason() -> None:
    cases = {case.attrib["name"]: case for case in parsed()[0].findall("testcase")}
    failed = cases["Failed requests"].find("failure")
    assert failed is not None
    assert failed.attrib["message"] == samples.RUINED
    undecided = cases["Service: resident memory"].find("skipped")
    assert undecided is not None
    assert undecided.attrib["message"].startswith("undecided: ")
    assert cases["Latency, median"].find("skipped") is not None
    assert cases["Latency, 99th percentile"].find("skipped") is None
    assert cases["Failed requests"].attrib["classname"] == "canary.errors"


def test_the_suite_names_the_versions_the_time_and_the_length() -> None:
    suite = parsed()[0]
    assert suite.attrib["name"] == "canary broken against master"
    assert suite.attrib["timestamp"] == "2026-01-02T03:04:05"
    assert float(suite.attrib["time"]) == 120.0


def test_a_gate_took_as_long_as_it_has_seen_of_the_series() -> None:
    record = Record.from_dict({"kind": "gate", "settings": {"seen": 45.0}})
    suite = ElementTree.fromstring(junit(samples.verdict(), record))[0]  # noqa: S314 - our own text
    assert float(suite.attrib["time"]) == 45.0


def test_what_xml_cannot_hold_is_left_out_and_markup_is_text() -> None:
    hostile = "]]></testcase><x a='\"&\x00\x1b[31m\ufffe\ud800\U0001f600"
    metric = samples.metric(hostile, title=hostile, group=hostile, reason=hostile, decision=Decision.FAIL)
    suites = parsed(metrics=(metric,), reasons=(hostile,))
    assert {element.tag for element in suites.iter()} == {"testsuites", "testsuite", "testcase", "failure"}
    case = suites[0][1]
    assert case.attrib["name"] == "]]></testcase><x a='\"&\U0001f600"


def test_a_record_that_has_nothing_in_it_still_makes_a_document() -> None:
    suite = ElementTree.fromstring(junit(samples.verdict(), Record.from_dict({})))[0]  # noqa: S314 - our own text
    assert suite.attrib["name"] == "canary against baseline"
    assert "timestamp" not in suite.attrib
