"""A run directory gives its evidence back, and says in one line what is wrong with it."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import RunDirectoryError
from pipeline.judge import judge
from pipeline.judge.rules import default_rules
from pipeline.judge.verdict import Outcome
from pipeline.runs.directory import RunDirectory

HEADER = "t,lateness_us,latency_us,status,error,bytes,body_ok,body_crc,served_by"
SPANS = [
    ("baseline", "warmup", 0, 2),
    ("baseline", "measure", 2, 62),
    ("canary", "warmup", 62, 64),
    ("canary", "measure", 64, 124),
]
PHASES = [{"arm": arm, "kind": kind, "start": start, "end": end} for arm, kind, start, end in SPANS]
CONSTANT = {"service_memory": 7e7, "service_restarts": 0.0}
RUN: dict[str, Any] = {
    "format": 1,
    "t0_unix": 1790000000.123456,
    "profile": {"policy": {"pass_score": 80}, "expect": {"status": 200}},
    "phases": PHASES,
    "problems": [{"effect": "note", "message": "the books agree"}],
}


def write(
    path: Path, rows: list[str], series: list[str] | None = None, run: dict[str, Any] = RUN
) -> RunDirectory:
    directory = RunDirectory(path)
    directory.write_run(run)
    (path / "requests.csv").write_text("\n".join([HEADER, *rows, ""]))
    (path / "series.csv").write_text("\n".join(["t,arm,metric,value", *(series or []), ""]))
    return directory


def row(t: float, served_by: str, *, latency_us: str = "6000", status: int = 200, body_ok: str = "1") -> str:
    return f"{t:.6f},12,{latency_us},{status},,5475,{body_ok},0a1b2c3d,{served_by}"


def whole_run(rate: int = 50) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(1)
    rows, series = [], []
    for arm, _, start, end in SPANS:
        colour = {"baseline": "blue", "canary": "green"}[arm]
        times = np.arange(start * rate, end * rate) / rate
        rows += [row(t, colour, latency_us=str(rng.integers(5000, 7000))) for t in times]
        for second in range(start, end):
            for metric in ("service_cpu", "service_memory", "service_restarts", "host_cpu", "up"):
                value = {"service_memory": 7e7, "service_restarts": 0.0}.get(
                    metric, 0.5 + 0.01 * rng.random()
                )
                series.append(f"{second + 0.5},{arm},{metric},{value}")
    return rows, series


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
    evidence = write(tmp_path, rows, series).read_evidence()
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
    evidence = write(tmp_path, rows).read_evidence()
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
    (_, *found) = write(tmp_path, rows).read_evidence().problems
    assert [problem.effect for problem in found] == ([effect] if effect else [])


def test_a_last_row_cut_off_while_being_written_is_left_out(tmp_path: Path) -> None:
    directory = write(tmp_path, [row(2.0, "blue")])
    with (tmp_path / "requests.csv").open("a") as file:
        file.write(row(3.0, "blu"))
    assert directory.read_evidence().baseline.requests.t.tolist() == [2.0]


def test_compressing_keeps_the_evidence_and_can_be_repeated(tmp_path: Path) -> None:
    directory = write(tmp_path, *whole_run(rate=5))
    before = judge(directory.read_evidence(), default_rules(), directory.policy())
    directory.compress()
    directory.compress()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "requests.csv.gz",
        "run.json",
        "series.csv.gz",
    ]
    assert judge(directory.read_evidence(), default_rules(), directory.policy()) == before


def test_a_plain_file_beside_a_compressed_one_is_the_truth(tmp_path: Path) -> None:
    directory = write(tmp_path, [row(2.0, "blue")])
    (tmp_path / "requests.csv.gz").write_bytes(gzip.compress(b"half a fi")[:-9])
    assert len(directory.read_evidence().baseline.requests) == 1
    directory.compress()
    assert len(directory.read_evidence().baseline.requests) == 1


def test_thirty_thousand_requests_are_read_in_less_than_a_second(tmp_path: Path) -> None:
    directory = write(tmp_path, *whole_run(rate=250))
    directory.compress()
    start = time.process_time()
    evidence = directory.read_evidence()
    assert time.process_time() - start < 1
    assert len(evidence.baseline.requests) == len(evidence.canary.requests) == 15_000


def test_a_verdict_is_read_as_it_was_written(tmp_path: Path) -> None:
    directory = write(tmp_path, *whole_run())
    rules = [rule for rule in directory.rules() if rule.name in ("error_rate", "latency_p50", "service_cpu")]
    verdict = judge(directory.read_evidence(), rules, directory.policy())
    directory.write_verdict(verdict)
    again = directory.read_verdict()
    assert again.outcome is verdict.outcome is Outcome.PASSED
    assert again.reasons == verdict.reasons
    assert again.metrics[1].canary.value == pytest.approx(verdict.metrics[1].canary.value)
    assert again.to_dict().keys() == json.loads((tmp_path / "verdict.json").read_text()).keys()


def test_the_profile_gives_rules_policy_and_the_expected_status(tmp_path: Path) -> None:
    directory = write(tmp_path, [])
    assert directory.rules() == default_rules()
    assert (directory.policy().pass_score, directory.policy().expected_status) == (80, (200,))
    metrics = [{"name": "latency_p50", "threshold": "20ms", "critical": True}]
    directory.write_run({**RUN, "profile": {"metrics": metrics, "expect": {"status": [200, 201]}}})
    assert [(rule.name, rule.critical) for rule in directory.rules()] == [("latency_p50", True)]
    assert directory.policy().expected_status == (200, 201)


def test_what_is_written_has_no_noise_and_leaves_no_temporary_file(
    tmp_path: Path,
) -> None:
    RunDirectory(tmp_path).write_run({**RUN, "sum": 0.1 + 0.2, "nothing": float("nan")})
    written = json.loads((tmp_path / "run.json").read_text())
    assert (written["t0_unix"], written["sum"], written["nothing"]) == (1790000000.12346, 0.3, None)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.json", b"{", "run.json: cannot be read"),
        ("run.json", b"[]", "run.json: is not of format 1"),
        ("run.json", b'{"format": 2}', "run.json: is not of format 1"),
        ("run.json", b'{"format": 1, "phases": 3}', "phases must be a list of objects"),
        ("run.json", b'{"format": 1, "phases": [{"arm": "x", "kind": "measure"}]}', "unknown arm or kind"),
        ("run.json", b'{"format": 1, "problems": [{}]}', "problems: each needs an effect and a message"),
        ("requests.csv", b"", "requests.csv: is empty"),
        ("requests.csv", b"t,status\n1,200\n", "requests.csv:1: no column latency_us"),
        ("requests.csv", f"{HEADER}\n1,2\n".encode(), "requests.csv:2: 2 columns, the header has 9"),
        (
            "requests.csv",
            f"{HEADER}\nx,1,2,200,,1,1,,blue\n".encode(),
            "requests.csv:2: t is 'x'",
        ),
        ("requests.csv", f"{HEADER}\n1,1,2,9e9,,1,1,,blue\n".encode(), "requests.csv:2: status is '9e9'"),
        ("requests.csv", b"\xff\xfe", "requests.csv: cannot be read"),
        ("series.csv", b"t,arm,metric,value\n1,canary,up,yes\n", "series.csv:2: value is 'yes'"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    directory = write(tmp_path, [row(2.0, "blue")])
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunDirectoryError) as caught:
        directory.read_evidence()
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_a_compressed_file_that_ends_too_early_is_named(tmp_path: Path) -> None:
    directory = write(tmp_path, *whole_run(rate=5))
    directory.compress()
    packed = tmp_path / "requests.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(RunDirectoryError, match=r"requests\.csv\.gz: cannot be read"):
        directory.read_evidence()


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"metrics": [{"name": "nonsense"}]}, "there is no metric 'nonsense'"),
        ({"metrics": [], "policy": {"alpha": 7}}, "profile.policy: alpha"),
        ([], "has no profile"),
    ],
)
def test_a_profile_that_cannot_be_used_is_one_line(tmp_path: Path, profile: object, words: str) -> None:
    directory = write(tmp_path, [], run={**RUN, "profile": profile})
    with pytest.raises(RunDirectoryError) as caught:
        [directory.rules(), directory.policy()]
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_missing_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="no such run directory"):
        RunDirectory(tmp_path / "none").read_evidence()
    with pytest.raises(RunDirectoryError, match=r"run\.json: is missing"):
        RunDirectory(tmp_path).read_evidence()
    directory = write(tmp_path, [])
    (tmp_path / "requests.csv").unlink()
    with pytest.raises(RunDirectoryError, match=r"requests\.csv is missing"):
        directory.read_evidence()
    with pytest.raises(RunDirectoryError, match=r"verdict\.json: is missing"):
        directory.read_verdict()


def test_a_run_that_ended_before_any_load_has_empty_arms(tmp_path: Path) -> None:
    RunDirectory(tmp_path).write_run({**RUN, "phases": []})
    evidence = RunDirectory(tmp_path).read_evidence()
    assert (len(evidence.baseline.requests), len(evidence.canary.requests)) == (0, 0)
