"""The table of faults (tests/support/faults) and the page that a whole run of it writes, docs/faults.md."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from pipeline.base import step_hook
from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from tests.support.faults.document import BEGINS, HEAD, outcome_of
from tests.support.faults.rows import KINDS

ROWS: Final = tuple(row for rows in KINDS.values() for row in rows)
PAGE: Final = (ROOT / "docs" / "faults.md").read_text("utf-8")


def table() -> list[list[str]]:
    """The cells of each row on the page."""
    below = PAGE[PAGE.index(BEGINS) :]
    lines = [line for line in below.splitlines() if line.startswith("|") and line not in HEAD.split("\n")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_each_row_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []


def test_each_kind_has_a_row_that_make_test_runs() -> None:
    assert [kind for kind, rows in KINDS.items() if not any(row.short for row in rows)] == []


def test_each_row_comes_at_a_step_that_the_hook_tells() -> None:
    assert step_hook.__doc__
    told = set(re.findall(r"`([a-z ]+?)(?: NAME)?`", step_hook.__doc__))
    told |= {f"{kind} {colour}" for kind in ("warmup", "measure") for colour in ("blue", "green", "both")}
    steps = {row.moment.step for row in ROWS if row.moment.load is None}
    assert {step for step in steps if step not in told and not step.startswith("operation ")} == set()


def test_no_row_takes_an_end_that_says_nothing() -> None:
    """Code 1 is a defect of this tool."""
    assert [row.name for row in ROWS if not row.ends or Exit.INTERNAL in row.ends] == []


def test_each_line_of_the_page_is_a_row_and_what_it_came_to_is_true() -> None:
    """A row that is new has its line with the next `make faults`."""
    rows = {(row.fault, str(row.moment), row.run): row for row in ROWS}
    lines = table()
    assert lines
    assert [tuple(cells[:3]) for cells in lines if tuple(cells[:3]) not in rows] == []
    for cells in lines:
        row = rows[cells[0], cells[1], cells[2]]
        assert cells[3] in {outcome_of(code) for code in row.ends}, row.name
        assert float(cells[5]) <= float(cells[6]) == row.within, row.name
