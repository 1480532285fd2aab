"""A run's tables as columns, whole or not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline.base.errors import RunDirectoryError
from pipeline.runs.directory import compress_tables
from pipeline.runs.tables import SeriesWriter
from tests.support.run_files import row, whole_run, write


def test_a_last_row_cut_off_while_being_written_is_left_out(tmp_path: Path) -> None:
    run = write(tmp_path, [row(2.0, "blue")])
    with (tmp_path / "requests.csv").open("a") as file:
        file.write(row(3.0, "blu"))
    assert run.evidence.baseline.requests.t.tolist() == [2.0]


def test_thirty_thousand_requests_are_read_in_less_than_a_second(tmp_path: Path) -> None:
    run = write(tmp_path, *whole_run(rate=250))
    compress_tables(tmp_path)
    start = time.process_time()
    evidence = run.evidence
    assert time.process_time() - start < 1
    assert len(evidence.baseline.requests) == len(evidence.canary.requests) == 15_000


def test_a_compressed_file_that_ends_too_early_is_named(tmp_path: Path) -> None:
    run = write(tmp_path, *whole_run(rate=5))
    compress_tables(tmp_path)
    packed = tmp_path / "requests.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(RunDirectoryError, match=r"requests\.csv\.gz: cannot be read"):
        _ = run.evidence


def test_a_sample_that_there_is_no_room_for_names_its_file() -> None:
    with (
        pytest.raises(OSError, match="No space left on device: '/dev/full'"),
        SeriesWriter(Path("/dev/full")) as write,
    ):
        write(1, "canary", "up", 1)
