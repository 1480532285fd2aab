"""A mix with steps on the real hosts: who logs in to a version reads there, and the request that is worse is named."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.runs.directory import load
from pipeline.source.sample import make_sample_repository
from tests.support.lab import Command, Ended
from tests.support.shop_steps import shop_with_steps

PASSWORD = "lovelace"


@pytest.fixture(scope="module")
def refused(pipeline: Command, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The shop against a version of it that refuses one account in five; half of what is due are log-ins."""
    directory = tmp_path_factory.mktemp("shop")
    repository = make_sample_repository(directory / "repository", "shop")
    profile = shop_with_steps(directory)
    text = profile.read_text()
    assert text.count("  - weight: 4\n") == 1
    profile.write_text(text.replace("  - weight: 4\n", "  - weight: 100\n"))
    arguments = ("--schedule", "interleaved", "--rate", "20", "--duration", "30s", "--warmup", "5s", "--json")
    return pipeline(
        *("canary", "master", "refused", "--repo", str(repository), "--profile", str(profile), *arguments),
        environment={"SHOP_PASSWORD": PASSWORD},
    )


def test_the_step_that_is_worse_is_named_in_the_first_line(refused: Ended) -> None:
    assert refused.code == Exit.FAILED, refused.err
    assert "account" in refused.json["headline"], refused.json["headline"]
    assert refused.json["run"]["promoted"] is False


def test_each_user_reads_on_the_version_that_answered_the_log_in(refused: Ended) -> None:
    """Another process does not know its users: a sequence that went from one to the other would show as 401 of blue."""
    path = Path(refused.json["run"]["directory"])
    phases = [
        (phase["start"], phase["end"])
        for phase in refused.json["run"]["phases"]
        if phase["kind"] == "measure"
    ]
    with gzip.open(path / "requests.csv.gz", "rt") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if any(begin <= float(row["t"]) < end for begin, end in phases)
        ]
    found = Counter((row["request"], row["served_by"], row["status"]) for row in rows)
    assert found["account", "blue", "200"] > 20
    assert found["account", "blue", "401"] == 0
    refused_here, read = found["account", "green", "401"], found["account", "green", "200"]
    assert refused_here == pytest.approx((refused_here + read) / 5, abs=2)
    assert found["log in", "green", "201"] > 20
    assert load(path).record.to_dict()["reconciliation"]["mismatches"] == []


def test_the_password_is_in_no_file_that_the_run_leaves(refused: Ended) -> None:
    path = Path(refused.json["run"]["directory"])
    texts = {"stdout": refused.out.encode(), "stderr": refused.err.encode()}
    for file in (file for file in path.rglob("*") if file.is_file()):
        raw = file.read_bytes()
        texts[file.name] = gzip.decompress(raw) if file.suffix == ".gz" else raw
    assert {"run.json", "report.html", "verdict.json", "requests.csv.gz"} <= texts.keys()
    assert [name for name, text in texts.items() if PASSWORD.encode() in text] == []
