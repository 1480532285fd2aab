"""A verdict as JUnit's XML, which every CI server reads: a test case a metric, and one for the verdict itself.

The file has a failure or an error exactly where the command's exit code is not 0, so that a server that looks at the
one never says other than one that looks at the other. What is not compared, or is not counted against the canary, is
skipped, with its reason.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pipeline.base.text import clean
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict
from pipeline.report.facts import read_facts
from pipeline.report.text import capital, outcome_words
from pipeline.runs.record import Record

__all__ = ["junit"]

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def junit(verdict: Verdict, record: Record) -> str:
    """The whole document. `record` names the two versions, and when and how long they were measured."""
    facts = read_facts(record)
    suites = Element("testsuites", name="pipeline")
    suite = SubElement(suites, "testsuite", name=_text(facts.compared))
    cases = [_verdict_case(suite, verdict), *(_metric_case(suite, verdict, one) for one in verdict.metrics)]
    counts = {
        "tests": len(cases),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    seconds = sum(facts.seconds(arm) for arm in ("baseline", "canary")) or record.watched_seconds
    for element in (suites, suite):
        for name, count in counts.items():
            if element is suite or name != "skipped":  # the schema of Jenkins has none for all suites
                element.set(name, str(count))
        element.set("time", f"{seconds:.3f}")
    if moment := _moment(facts.created):
        suite.set("timestamp", moment)
    indent(suites, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _verdict_case(suite: Element, verdict: Verdict) -> Element:
    """What the command says as a whole: a failure, or an error where nothing could be told."""
    case = SubElement(suite, "testcase", classname="canary", name="verdict", time="0")
    said = _text(capital(headline(verdict)))
    reasons = "\n".join(_text(reason) for reason in verdict.reasons)
    if verdict.outcome is Outcome.FAILED:
        SubElement(case, "failure", message=said, type=verdict.outcome.value).text = reasons or said
    elif verdict.outcome is not Outcome.PASSED:
        what = f"{outcome_words(verdict)}. {said}"
        SubElement(case, "error", message=what, type=verdict.outcome.value).text = reasons or what
    else:
        SubElement(case, "system-out").text = said
    return case


def _metric_case(suite: Element, verdict: Verdict, metric: MetricVerdict) -> Element:
    name = _text(metric.title or metric.name)
    case = SubElement(suite, "testcase", classname=f"canary.{_text(metric.group)}", name=name, time="0")
    reason = _text(metric.reason) or metric.decision.value
    if metric.decision is Decision.FAIL and verdict.outcome is Outcome.FAILED:
        SubElement(case, "failure", message=reason, type="worse than allowed").text = reason
    elif metric.decision is Decision.FAIL:
        counted = "worse than allowed, which does not fail this run"
        SubElement(case, "skipped", message=f"{counted}: {reason}")
    elif metric.decision is Decision.INCONCLUSIVE:
        SubElement(case, "skipped", message=f"undecided: {reason}")
    elif metric.decision is Decision.NODATA:
        SubElement(case, "skipped", message=f"nothing to compare: {reason}")
    else:
        SubElement(case, "system-out").text = reason
    return case


def _moment(created: str) -> str:
    """A time as the schema wants it, without a zone; empty for what is no ISO time."""
    try:
        return datetime.fromisoformat(created).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return ""


def _text(value: str) -> str:
    """One line of characters that XML may hold; an attribute's quotes and angles are the writer's to escape."""
    return _NOT_XML.sub("", clean(value))
