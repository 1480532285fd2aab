"""The canary's verdict on the monitor: which monitor, which line, and what a failure costs. No hosts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.base.console import Progress
from pipeline.base.errors import Exit, InventoryError
from pipeline.cli.root import run as command
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.prod import mark
from pipeline.prod.mark import find_monitor, leave_mark, mark_line
from pipeline.runs.record import Record

RUN: dict[str, Any] = {
    "repo": "https://example.org/service.git",
    "baseline": {"ref": "master", "sha": "c2200fe" + "0" * 33},
    "canary": {"ref": "a7474e4", "sha": "a7474e4" + "0" * 33},
}
VERDICT = Verdict(Outcome.PASSED, 91.6, 75, (), (), ())
RECORD = Record.from_dict(RUN)
MONITOR = Host("watcher", "192.0.2.7")


def sample(line: str) -> Any:
    (family,) = text_string_to_metric_families(line)
    (found,) = family.samples
    return found


def test_a_mark_says_what_was_compared_with_which_verdict_and_when() -> None:
    found = sample(mark_line(RECORD, VERDICT, 1_795_432_229.4))
    assert found.name == "pipeline_canary_timestamp_seconds"
    assert found.value == 1_795_432_229
    assert found.labels == {
        "service": "service", "repo": "https://example.org/service.git",
        "baseline": "master c2200fe", "canary": "a7474e4",
        "verdict": "passed", "score": "92",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("repo", "name"),
    [
        ("https://github.com/chrisparnin/checkbox.io-micro-preview.git", "checkbox.io-micro-preview"),
        ("git@example.org:team/service.git", "service"),
        ("git@example.org:service", "service"),
        ("/srv/git/service/", "service"),
        ("service", "service"),
        ("/", "/"),
    ],
)
def test_a_mark_names_the_service_by_the_last_word_of_its_repository(repo: str, name: str) -> None:
    line = mark_line(Record.from_dict({**RUN, "repo": repo}), VERDICT, 1)
    assert sample(line).labels["service"] == name


def test_the_mark_of_a_run_of_the_bundled_sample_says_so() -> None:
    line = mark_line(Record.from_dict({**RUN, "repo": "/opt/samples/repo", "sample": True}), VERDICT, 1)
    assert sample(line).labels["service"] == "the sample"


def test_a_mark_leads_to_its_report_only_where_that_is_published() -> None:
    assert "report" not in sample(mark_line(RECORD, VERDICT, 1)).labels
    assert sample(mark_line(RECORD, VERDICT, 1, "/reports/a/")).labels["report"] == "/reports/a/"


def test_a_run_without_a_score_has_an_empty_one() -> None:
    assert sample(mark_line(RECORD, Verdict(Outcome.INVALID, None, 75, (), (), ()), 1)).labels["score"] == ""


@pytest.mark.parametrize("repo", ['a"} 1', "back\\slash", "two\nlines", "\x1b[31mred", "x" * 5000, "é%{}"])
def test_whatever_a_repository_is_called_it_stays_one_label_of_one_line(repo: str) -> None:
    line = mark_line(Record.from_dict({**RUN, "repo": repo}), VERDICT, 1)
    assert line.count("\n") == 1
    expected = "".join(char if char.isprintable() else " " for char in repo)[:200]
    assert sample(line).labels["repo"] == expected


def on_host(tmp_path: Path, line: str) -> str:
    """What the script leaves on a host whose directory of text files is `tmp_path`."""
    script = mark.SCRIPT.replace("/var/lib/prometheus/node-exporter", str(tmp_path))
    subprocess.run(["sh", "-c", script], input=line, text=True, check=True, capture_output=True)
    return (tmp_path / "pipeline_canary.prom").read_text()


def test_the_last_twenty_marks_stay_and_the_same_one_again_replaces_the_first(tmp_path: Path) -> None:
    for number in range(25):
        on_host(tmp_path, mark_line(Record.from_dict({**RUN, "repo": f"r.{number}"}), VERDICT, number))
    (family,) = text_string_to_metric_families(
        on_host(tmp_path, mark_line(Record.from_dict({**RUN, "repo": "r.9"}), VERDICT, 99))
    )
    assert [(found.labels["repo"], found.value) for found in family.samples] == [
        *((f"r.{number}", number) for number in range(5, 25) if number != 9),
        ("r.9", 99),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".pipeline_canary.lock",
        "pipeline_canary.prom",
    ]


def inventory(path: Path, name: str) -> Path:
    write_inventory(Inventory({"monitor": (Host(name, "192.0.2.7"),)}), path)
    return path


def test_the_given_file_comes_before_the_runs_own_hosts_and_those_before_the_last_prod_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, written = inventory(tmp_path / "given.ini", "given"), inventory(tmp_path / "last.ini", "written")
    monkeypatch.setattr(mark, "last_inventory", lambda: written)
    own = Inventory({"monitor": (MONITOR,)})
    found = [find_monitor(given, own), find_monitor(None, own), find_monitor(None, Inventory({}))]
    assert [host and host.name for host in found] == ["given", "watcher", "written"]


def test_no_monitor_is_fine_unless_a_file_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (damaged := tmp_path / "inventory.ini").write_text("no inventory")
    for there in (None, damaged):
        monkeypatch.setattr(mark, "last_inventory", lambda there=there: there)
        assert find_monitor(None, None) is None
    with pytest.raises(InventoryError):
        find_monitor(damaged, None)


def test_a_monitor_that_cannot_be_written_to_is_one_line_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\necho 'no route to host' >&2\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    leave_mark(MONITOR, RECORD, VERDICT, Progress())
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "the verdict is not on the dashboard: watcher: no route to host" in said


def test_a_monitor_and_none_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["canary", "a", "b", "--monitor", "x.ini", "--no-monitor"]) == Exit.USAGE
    assert "contradict" in capsys.readouterr().err
