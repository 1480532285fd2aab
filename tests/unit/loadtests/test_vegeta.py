"""vegeta's JSON and CSV, and its binary form."""

from __future__ import annotations

import gzip
import stat
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import UsageError
from pipeline.loadtests.formats import read_load_test
from tests.support.load_tests import recorded, text_of


def test_json_and_csv_hold_the_same_requests() -> None:
    json, csv = (read_load_test(recorded(f"vegeta-slow.{form}.gz")).requests for form in ("json", "csv"))

    assert len(json) == 1200
    np.testing.assert_allclose(json.t, csv.t, atol=1e-6)
    np.testing.assert_array_equal(json.latency, csv.latency)
    np.testing.assert_array_equal(json.status, csv.status)


def test_bodies_that_were_not_read_have_no_size() -> None:
    assert "response_size" not in read_load_test(recorded("vegeta-slow.json.gz")).tells


def test_an_error_without_an_answer_and_a_status_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        '{"code":0,"timestamp":"2026-01-31T10:00:00Z","latency":100,"error":"connection refused","body":""}\n'
        '{"code":500,"timestamp":"2026-01-31T10:00:01.5+01:00","latency":2000000,"error":"500 Oops","body":"eA=="}\n'
    )
    rows = read_load_test(path).requests

    assert rows.status.tolist() == [500, 0]
    assert rows.error.tolist() == ["", "connection refused"]
    assert rows.latency[0] == 0.002
    assert rows.body[0] != 0


def test_the_binary_form_is_refused_with_the_command_where_there_is_no_vegeta(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.bin"
    path.write_bytes(gzip.decompress(recorded("vegeta-master.bin.gz").read_bytes()))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="vegeta's binary form") as raised:
        read_load_test(path)
    assert raised.value.hint == f"vegeta encode --to json {path} > {path}.json"


def test_the_binary_form_is_taken_through_vegeta(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name stands in for it here; record.sh compared the two with the real one."""
    path, vegeta = tmp_path / "results.bin", tmp_path / "vegeta"
    path.write_bytes(gzip.decompress(recorded("vegeta-master.bin.gz").read_bytes()))
    (tmp_path / "said.json").write_text(text_of("vegeta-master.json.gz"))
    vegeta.write_text(
        f'#!/bin/sh\n[ "$*" = "encode --to json {path}" ] && exec /bin/cat {tmp_path}/said.json\nexit 1\n'
    )
    vegeta.chmod(vegeta.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert len(read_load_test(path).requests) == len(
        read_load_test(recorded("vegeta-master.json.gz")).requests
    )
