"""The suite of faults: its marks, the lab that all rows share, and the table that a whole run writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.lab.lab import Lab
from tests.support.faults.document import FOUND, write_table
from tests.support.faults.guests import Guests
from tests.support.faults.inspection import Found
from tests.support.faults.rows import ROWS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every row drives real hosts; some of them are part of `make test`."""
    short = {row.name for row in ROWS if row.short}
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.faults)
            if isinstance(item, pytest.Function) and item.callspec.id in short:
                item.add_marker(pytest.mark.faults_short)


def pytest_sessionfinish() -> None:
    """The page that FAULTS_TABLE names gets what the rows came to that held."""
    if page := os.environ.get("FAULTS_TABLE"):
        write_table(Path(page), {found.row.name: found for found in FOUND})


@pytest.fixture(scope="session")
def guests(lab: Lab) -> Guests:
    """The lab's hosts, seen from this machine."""
    if lab.provider != "lxc":
        pytest.skip("faults are put into lxc containers")
    return Guests(lab)


@pytest.fixture(scope="session")
def found() -> list[Found]:
    """What the rows came to, for the table."""
    return FOUND
