"""Our own loader's requests.csv."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import UsageError
from pipeline.loadtests.case import from_load_tests
from pipeline.loadtests.config import LoadTestConfig
from pipeline.loadtests.formats import read_load_test
from tests.support.load_tests import by_our_loader, recorded


def test_a_file_of_both_versions_is_refused(tmp_path: Path) -> None:
    rows, _ = by_our_loader(tmp_path, servers=("blue", "green"))

    with pytest.raises(
        UsageError, match=r"answers of blue and green: one file holds one version's"
    ) as raised:
        read_load_test(rows)
    assert raised.value.hint is not None
    assert "pipeline judge DIRECTORY" in raised.value.hint


def test_requests_that_were_not_sent_or_not_read_are_no_errors_of_the_version(tmp_path: Path) -> None:
    rows, _ = by_our_loader(tmp_path, unsent=7, unread=3)
    test = read_load_test(rows)

    assert (test.unsent, test.own_failures) == (7, 3)
    assert set(test.requests.status.tolist()) == {200}


def test_a_loader_that_was_late_is_no_evidence() -> None:
    """Recorded on a machine with other work: the loader said itself that this run is invalid."""
    assert (
        "the loader itself was late: p99 118 ms" in read_load_test(recorded("loadgen-master.csv.gz")).broken
    )


def test_a_row_that_is_no_number_is_refused_with_its_line(tmp_path: Path) -> None:
    rows, _ = by_our_loader(tmp_path, seconds=2)
    lines = rows.read_text().splitlines()
    rows.write_text("\n".join([*lines[:5], lines[5].replace(",200,", ",OK,"), *lines[6:], ""]))

    with pytest.raises(UsageError, match=r"requests.csv:6: status is 'OK', not a number"):
        read_load_test(rows)


def test_requests_of_several_names_are_judged_by_themselves_too(tmp_path: Path) -> None:
    files = []
    for version in ("a", "b"):
        (tmp_path / version).mkdir()
        rows, _ = by_our_loader(tmp_path / version, seconds=20)
        head, *lines = rows.read_text().splitlines()
        assert head.endswith(",request"), "the last column, and empty"
        named = [f"{line}{'read' if at % 4 else 'write'}" for at, line in enumerate(lines)]
        rows.write_text("\n".join([head, *named, ""]))
        files.append(rows)

    case = from_load_tests(files[0], files[1], LoadTestConfig())

    assert case.evidence.weights == pytest.approx({"read": 0.75, "write": 0.25}, abs=0.01)
    assert set(case.evidence.canary.requests.request.tolist()) == {"read", "write"}
