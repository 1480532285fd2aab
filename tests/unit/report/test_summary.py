"""The Markdown summary: what to do first, small, and inert whatever is put into it."""

from __future__ import annotations

import re

import tests.support.report_samples as samples
from pipeline.judge.verdict import Decision, Outcome
from pipeline.report.summary import LARGEST, summary
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record

RECORD = Record.from_dict(samples.run())
HOSTILE = "](https://evil.example) ![x](https://evil.example/x.png) <img src=x> @everyone |**`#1 !2 $x$\n# h"


def test_what_to_do_and_what_only_the_canary_logged_come_before_the_table() -> None:
    log = (LogLine("TypeError: no", "preview.js:71", 285, "09:52:59", wrong=True),)
    text = summary(samples.verdict(), RECORD, log)
    order = (
        "## The canary failed: canary broken against master",
        "**Do not promote: 3,000",
        "TypeError: no",
        "| metric",
    )
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "TypeError: no (preview.js:71), 285 times, first at 09:52:59" in text


def test_only_what_decided_is_open_and_what_had_nothing_to_compare_is_counted() -> None:
    text = summary(samples.verdict(), RECORD)
    before = text[: text.index("<details>")]
    assert re.findall(r"^\| (\w[\w ]+) \|", before, re.M) == ["metric", "Failed requests"]
    assert "<summary>2 metrics, less telling</summary>" in text
    assert "1 metric had nothing to compare." in text
    assert "Latency, median" not in text


def test_a_pass_has_no_open_row() -> None:
    text = summary(samples.verdict(outcome=Outcome.PASSED), RECORD)
    assert text.startswith("## The canary passed")
    assert text.index("<details>") < text.index("| metric")


def test_points_are_called_points() -> None:
    text = summary(samples.verdict(), RECORD)
    assert "100 points worse" in text
    assert " pp" not in text


def test_nothing_of_others_is_markup() -> None:
    metric = samples.metric(HOSTILE, title=HOSTILE, reason=HOSTILE, decision=Decision.FAIL)
    version = {"ref": HOSTILE, "sha": "a" * 40, "subject": HOSTILE}
    verdict = samples.verdict(metrics=(metric,), reasons=(HOSTILE,), notes=(HOSTILE,))
    record = Record.from_dict(samples.run(canary=version, tool=HOSTILE))
    text = summary(verdict, record, (LogLine(f"``` {HOSTILE}", "x", 3, "", wrong=True),))
    fence = next(line for line in text.splitlines() if line.endswith("text"))
    assert fence == "````text", "longer than the backticks in the line"
    outside = text[: text.index(fence)] + text[text.index("\n````\n") :]
    assert "<img" not in outside.replace("\\<img", "")
    assert "@everyone" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    table_row = next(line for line in outside.splitlines() if line.endswith(" FAIL |"))
    assert len(re.findall(r"(?<!\\)\|", table_row)) == 7


def test_it_is_never_larger_than_github_takes() -> None:
    metrics = tuple(
        samples.metric(f"m{i}", title="x" * 180, decision=Decision.FAIL if i % 2 else Decision.PASS)
        for i in range(8000)
    )
    text = summary(samples.verdict(metrics=metrics), RECORD)
    assert len(text.encode()) <= LARGEST
    assert re.search(r"\.\.\. and [\d,]+ more", text)
    assert text.rstrip().endswith("</sub>")


def test_an_inconclusive_run_says_what_to_type_next() -> None:
    undecided = samples.metric("m", decision=Decision.INCONCLUSIVE, more_minutes=3.0)
    text = summary(samples.verdict(outcome=Outcome.INCONCLUSIVE, metrics=(undecided,)), RECORD)
    assert "Next: the same command with --duration 4m" in text
