"""A run directory gives its evidence back, and says in one line what is wrong with it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import RunDirectoryError
from pipeline.judge import judge
from pipeline.judge.rules import default_rules
from pipeline.judge.verdict import Outcome
from pipeline.report import write_report
from pipeline.runs.directory import compress_tables, judge_run, load, write_record, write_verdict
from pipeline.runs.record import Record
from tests.support.run_files import HEADER, RUN, row, whole_run, write


def test_compressing_keeps_the_evidence_and_can_be_repeated(tmp_path: Path) -> None:
    run = write(tmp_path, *whole_run(rate=5))
    before = judge(run.evidence, default_rules(), run.policy)
    compress_tables(tmp_path)
    compress_tables(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "requests.csv.gz",
        "run.json",
        "series.csv.gz",
    ]
    again = load(tmp_path)
    assert judge(again.evidence, default_rules(), again.policy) == before


def test_a_plain_file_beside_a_compressed_one_is_the_truth(tmp_path: Path) -> None:
    write(tmp_path, [row(2.0, "blue")])
    (tmp_path / "requests.csv.gz").write_bytes(gzip.compress(b"half a fi")[:-9])
    assert len(load(tmp_path).evidence.baseline.requests) == 1
    compress_tables(tmp_path)
    assert len(load(tmp_path).evidence.baseline.requests) == 1


def test_a_verdict_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = write(tmp_path, *whole_run())
    rules = [rule for rule in run.rules if rule.name in ("error_rate", "latency_p50", "service_cpu")]
    verdict = judge(run.evidence, rules, run.policy)
    write_verdict(tmp_path, verdict)
    again = load(tmp_path).verdict
    assert again.outcome is verdict.outcome is Outcome.PASSED
    assert again.reasons == verdict.reasons
    assert again.metrics[1].canary.value == pytest.approx(verdict.metrics[1].canary.value)
    assert again.to_dict().keys() == json.loads((tmp_path / "verdict.json").read_text()).keys()


def test_the_profile_gives_rules_policy_and_the_expected_status(tmp_path: Path) -> None:
    run = write(tmp_path, [])
    assert run.rules == default_rules()
    assert (run.policy.pass_score, run.policy.expected_status) == (80, (200,))
    metrics = [{"name": "latency_p50", "threshold": "20ms", "critical": True}]
    profile = {"metrics": metrics, "expect": {"status": [200, 201]}}
    run = write(tmp_path, [], run={**RUN, "profile": profile})
    assert [(rule.name, rule.critical) for rule in run.rules] == [("latency_p50", True)]
    assert run.policy.expected_status == (200, 201)


def test_what_is_written_has_no_noise_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    write_record(tmp_path, Record.from_dict({**RUN, "sum": 0.1 + 0.2, "nothing": float("nan")}))
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
    write(tmp_path, [row(2.0, "blue")])
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunDirectoryError) as caught:
        _ = load(tmp_path).evidence
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"metrics": [{"name": "nonsense"}]}, "there is no metric 'nonsense'"),
        ({"metrics": [], "policy": {"alpha": 7}}, "profile.policy: alpha"),
        ([], "has no profile"),
    ],
)
def test_a_profile_that_cannot_be_used_is_one_line(tmp_path: Path, profile: object, words: str) -> None:
    run = write(tmp_path, [], run={**RUN, "profile": profile})
    with pytest.raises(RunDirectoryError) as caught:
        _ = [run.rules, run.policy]
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_missing_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="no such run directory"):
        load(tmp_path / "none")
    with pytest.raises(RunDirectoryError, match=r"run\.json: is missing"):
        load(tmp_path)
    run = write(tmp_path, [])
    (tmp_path / "requests.csv").unlink()
    with pytest.raises(RunDirectoryError, match=r"requests\.csv is missing"):
        _ = run.evidence
    with pytest.raises(RunDirectoryError, match=r"verdict\.json: is missing"):
        _ = run.verdict


def test_a_run_that_ended_before_any_load_has_empty_arms(tmp_path: Path) -> None:
    write_record(tmp_path, Record.from_dict({**RUN, "phases": []}))
    evidence = load(tmp_path).evidence
    assert (len(evidence.baseline.requests), len(evidence.canary.requests)) == (0, 0)


def test_a_verdict_and_its_report_read_each_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *whole_run(rate=5))
    read: list[str] = []
    for name in ("read_text", "read_bytes"):
        real = getattr(Path, name)

        def counted(path: Path, *arguments: Any, real: Any = real, **options: Any) -> Any:
            if path.parent == tmp_path:
                read.append(path.name)
            return real(path, *arguments, **options)

        monkeypatch.setattr(Path, name, counted)
    run = load(tmp_path)
    verdict = judge_run(run)
    compress_tables(tmp_path)
    write_report(run.with_record(run.record.grown(promoted=False)), verdict)
    assert sorted(read) == ["requests.csv", "run.json", "series.csv"]
    assert "Not promoted" in (tmp_path / "report.html").read_text()


def test_a_run_whose_record_has_grown_keeps_its_evidence(tmp_path: Path) -> None:
    run = write(tmp_path, *whole_run(rate=5))
    evidence = run.evidence
    later = run.with_record(run.record.grown(promoted=True))
    assert later.evidence is evidence
    assert (run.record.promoted, later.record.promoted) == (None, True)
