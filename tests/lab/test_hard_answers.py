"""Versions whose answers hang, drip or have no end: each fails by its own fault, in any schedule, within seconds."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest
import yaml

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.runs.directory import load
from pipeline.runs.tables import find_table, read_requests
from tests.support.hard_answers import hard_answers
from tests.support.lab import Command

# Whole proofs, minutes each: `make faults` runs them, `make test` has a row of each kind.
pytestmark = pytest.mark.faults

_SOON = 20  # seconds of the canary's measurement
_AT_MOST = 1.0  # seconds: the median of a baseline whose time the canary's backlog takes is above it


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hard_answers(tmp_path_factory.mktemp("hard") / "preview")


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preview's profile with a request that costs the hosts little, so that 50 a second are no load for them."""
    profile = yaml.safe_load((ROOT / "profiles" / "preview.yml").read_text())
    profile["request"]["json"] = {"markdown": "# One question"}
    profile["expect"]["body_regex"] = "One question"
    path = tmp_path_factory.mktemp("profile") / "light.yml"
    path.write_text(yaml.safe_dump(profile))
    return path


@pytest.mark.parametrize(
    ("version", "schedule", "rate"),
    [
        ("hangs", "interleaved", "50"),
        ("drips", "phased", "50"),
        ("drips-its-header", "interleaved", "10"),
        ("huge", "concurrent", "50"),
        ("endless", "interleaved", "10"),
    ],
)
def test_it_fails_soon_and_leaves_the_baseline_s_latencies_alone(
    pipeline: Command, repository: Path, light: Path, version: str, schedule: str, rate: str
) -> None:
    ended = pipeline(
        *("canary", "master", version, "--repo", str(repository), "--profile", str(light)),
        *("--schedule", schedule, "--rate", rate, "--duration", "24s", "--warmup", "3s", "--json"),
    )
    assert ended.code == Exit.FAILED, ended.err
    run = load(Path(ended.json["run"]["directory"]))
    assert run.evidence.canary.seconds <= _SOON
    requests = run.evidence.baseline.requests
    assert (requests.status == 200).all()
    assert median(requests.latency.tolist()) < _AT_MOST
    table = find_table(run.path, "requests.csv")
    assert table is not None
    rows = read_requests(table)
    assert np.count_nonzero(rows.waited) == 0, "no request waited in the loader"
    assert set(rows.served_by.tolist()) == {"blue", "green"}, "whose each request is, is known"
