"""What is kept of a lab that was brought up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.inventory.hosts import Host
from pipeline.lab import record


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    hosts = [Host("blue", "127.0.0.1", 2201, "vagrant", Path("/k"), "192.168.56.17")]
    record.write(tmp_path / "lab.json", "virtualbox", {"PIPELINE_LAB_CPUS": "0.5"}, hosts)
    assert record.read(tmp_path / "lab.json") == record.Record(
        "virtualbox", {"PIPELINE_LAB_CPUS": "0.5"}, tuple(hosts)
    )


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"format": 99}), json.dumps({"format": 1})])
def test_a_record_of_another_format_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text)
    assert record.read(tmp_path / "lab.json") is None
