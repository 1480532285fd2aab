"""Every fault ends in the truth: a row of the table each (tests/support/faults/rows)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.support.faults.guests import Guests
from tests.support.faults.inspection import Found, put_in
from tests.support.faults.row import Row
from tests.support.faults.rows import ROWS


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_fault_ends_in_the_truth_and_leaves_nothing(
    row: Row, guests: Guests, samples: Path, found: list[Found]
) -> None:
    outcome = put_in(row, guests, samples)
    logging.info("%s", outcome if outcome.wrong else outcome.told())  # seen with -o log_cli=true
    assert not outcome.wrong, str(outcome)
    found.append(outcome)
