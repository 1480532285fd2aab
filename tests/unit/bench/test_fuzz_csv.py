"""A few dozen CSV files of all dialects, whole and spoilt; `python -m bench.inputs.fuzz_csv` tries thousands."""

from __future__ import annotations

from bench.inputs.fuzz_csv import fuzz


def test_whole_files_are_read_as_written_and_spoilt_ones_give_no_verdict_from_garbage() -> None:
    tally, wrong = fuzz(60, 20_000)
    assert wrong == []
    assert sum(tally.values()) == 60
    assert {"refused", "failed"} <= {end for _, end in tally}
