"""Which sample belongs to which version, and what the proxy did is told apart from what a version did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.run_files import row, write


def test_samples_go_to_the_version_and_phase_they_belong_to(tmp_path: Path) -> None:
    rows = [
        row(1.0, "blue"),  # warm-up
        row(2.0, "blue"),
        row(3.0, "", latency_us="", status=0, body_ok=""),  # nobody answered
        row(61.9, "blue", status=500, body_ok=""),
        row(62.0, "green"),  # the other's warm-up
        row(64.0, "green", body_ok="0"),
    ]
    series = [
        "1.5,baseline,service_cpu,9",
        "2.5,baseline,service_cpu,0.25",
        "65,canary,service_cpu,0.5",
        "65,proxy,up,1",
    ]
    evidence = write(tmp_path, rows, series).evidence
    baseline, canary = evidence.baseline, evidence.canary
    assert baseline.requests.t.tolist() == [2.0, 3.0, 61.9]
    assert baseline.requests.status.tolist() == [200, 0, 500]
    assert baseline.requests.body_ok.tolist() == [1, -1, -1]
    assert baseline.requests.latency[0] == pytest.approx(0.006)
    assert np.isnan(baseline.requests.latency[1])
    assert canary.requests.body_ok.tolist() == [0]
    assert baseline.series["service_cpu"].value.tolist() == [0.25]
    assert canary.series["service_cpu"].value.tolist() == [0.5]
    assert (baseline.seconds, baseline.phase_starts, canary.phase_starts) == (60.0, (2.0,), (64.0,))
    assert [problem.message for problem in evidence.problems] == ["the books agree"]


@pytest.mark.parametrize(("strays", "effect"), [(1, "note"), (40, "invalid")])
def test_requests_the_other_version_served_are_left_out_and_reported(
    tmp_path: Path, strays: int, effect: str
) -> None:
    rows = [row(2 + i / 50, "green" if i < strays else "blue") for i in range(200)]
    evidence = write(tmp_path, rows).evidence
    assert len(evidence.baseline.requests) == 200 - strays
    assert evidence.problems[-1].effect == effect
    assert f"{strays} of 200" in evidence.problems[-1].message


@pytest.mark.parametrize(
    ("error", "count", "effect"),
    [("connect", 2, None), ("connect", 3, "invalid"), ("timeout", 3, "invalid"), ("reset", 200, None)],
)
def test_what_the_proxy_itself_left_unanswered_is_not_the_versions_fault(
    tmp_path: Path, error: str, count: int, effect: str | None
) -> None:
    """A reset may follow an error that the proxy gave in the version's name, and closed the connection with."""
    rows = [f"{2 + i / 50:.6f},12,,0,{error},0,,," for i in range(count)]
    rows += [row(2 + i / 50, "blue") for i in range(count, 200)]
    (_, *found) = write(tmp_path, rows).evidence.problems
    assert [problem.effect for problem in found] == ([effect] if effect else [])


def test_what_the_loader_could_not_read_is_no_version_s_error_and_makes_the_run_invalid(
    tmp_path: Path,
) -> None:
    rows = [f"{2 + i / 50:.6f},12,,0,protocol,0,,," for i in range(2)]
    rows += [row(2 + i / 50, "blue") for i in range(2, 200)]
    evidence = write(tmp_path, rows).evidence
    assert len(evidence.baseline.requests) == 198
    (_, found) = evidence.problems
    assert found.effect == "invalid"
    assert found.message.startswith("the loader could not read 2 answers")
