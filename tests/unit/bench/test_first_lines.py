"""The table of docs/report.md on what the first lines say: each fault is in it, with its cause."""

from __future__ import annotations

import re

import tests.support.report_samples as samples
from bench.first_lines import BEGIN, CAUSE, END, first_of_page
from pipeline.base.places import ROOT
from pipeline.report import html
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record
from pipeline.source.sample import faults


def test_the_first_lines_of_a_page_are_verdict_what_to_do_and_what_only_the_canary_logged() -> None:
    log = (LogLine("TypeError: <no>", "preview.js:71", 285, "09:52:59", wrong=True),)
    page = html.render(samples.verdict(), Record.from_dict(samples.run()), samples.evidence(), log=log)
    assert first_of_page(page) == [
        "The canary failed",
        "Do not promote: 3,000 of 3,000 requests fail",
        "Only the canary logged: TypeError: <no> (preview.js:71), 285 times, first at 09:52:59",
    ]


def test_each_fault_has_a_cause_that_is_looked_for_and_a_row_in_the_docs_that_names_it() -> None:
    assert set(CAUSE) == set(faults())
    table = (ROOT / "docs/report.md").read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = {line.split(":")[0].removeprefix("| "): line for line in table.splitlines()[3:]}
    assert set(rows) == set(faults())
    for fault, row in rows.items():
        _, terminal, page, _ = re.split(r"(?<!\\)\|", row.removeprefix("|"))
        for said in (terminal, page):
            assert re.search(CAUSE[fault], said, re.IGNORECASE), fault
