"""The canary's verdict on the monitor: which monitor, which line, and what a failure costs. No hosts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import tests.support.report_samples as report_samples
from pipeline.base.console import Progress
from pipeline.base.errors import Exit, InventoryError
from pipeline.base.facts import REPORTS
from pipeline.cli.root import run as command
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.prod import mark
from pipeline.prod.mark import find_monitor, leave_mark, mark_line
from pipeline.prod.publish import Page
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


def on_host(tmp_path: Path, line: str, page: Page | None = None, size: int | None = None) -> str:
    """What the script leaves on a host whose text files are in `tmp_path`, and whose pages are in `reports` there."""
    script = mark.SCRIPT.replace("/var/lib/prometheus/node-exporter", str(tmp_path))
    script = script.replace(REPORTS, str(tmp_path / "reports"))
    name, text = (page.name, page.text) if page else ("", "")
    given = [name, str(len(text.encode()) if size is None else size)]
    subprocess.run(
        ["sh", "-c", script, "sh", *given], input=line + text, text=True, check=True, capture_output=True
    )
    return (tmp_path / "pipeline_canary.prom").read_text()


def of_run(number: int, page: Page | None = None, ended: float | None = None) -> str:
    """The line of one run of many."""
    record = Record.from_dict({**RUN, "repo": f"r.{number}"})
    return mark_line(record, VERDICT, number if ended is None else ended, page.path if page else "")


def pages(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "reports").iterdir())


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


def test_each_page_goes_with_its_mark_and_nothing_else_is_removed(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    for number in range(22):
        page = Page(f"run-{number:02}.html", f"<p>{number} é</p>")
        found = on_host(tmp_path, of_run(number, page), page)
    assert pages(tmp_path) == [f"run-{number:02}.html" for number in range(2, 22)]
    assert (tmp_path / "reports/run-21.html").read_text() == "<p>21 é</p>"
    assert found.count('report="/reports/run-') == 20
    on_host(tmp_path, of_run(99))  # one without a page takes a place as well
    assert pages(tmp_path)[0] == "run-03.html"


def test_a_run_that_is_published_again_or_judged_again_has_one_mark_and_one_page(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    page = Page("run-1.html", "<p>first</p>")
    on_host(tmp_path, of_run(7))
    first = on_host(tmp_path, of_run(7, page), page)
    assert (
        sample(first).labels["report"] == "/reports/run-1.html"
    )  # it alone: the mark without a page is gone
    assert on_host(tmp_path, of_run(7, page), page) == first
    other = Verdict(Outcome.INVALID, None, 75, (), (), ())
    again = mark_line(Record.from_dict({**RUN, "repo": "r.7"}), other, 7, page.path)
    found = on_host(tmp_path, again, Page("run-1.html", "<p>again</p>"))
    assert sample(found).labels["verdict"] == "invalid"
    assert (tmp_path / "reports/run-1.html").read_text() == "<p>again</p>"
    assert pages(tmp_path) == ["run-1.html"]


def test_a_page_that_does_not_arrive_whole_is_not_shown_and_leaves_no_mark(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    page = Page("run-1.html", "<p>only half")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        on_host(tmp_path, of_run(7, page), page, size=500)
    assert "did not arrive whole" in refused.value.stderr
    assert not (tmp_path / "reports/run-1.html").exists()
    assert not (tmp_path / "pipeline_canary.prom").exists()


def test_a_run_older_than_the_twenty_that_are_shown_is_refused_and_keeps_no_page(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    for number in range(20):
        on_host(tmp_path, of_run(number, ended=100 + number))
    page = Page("old.html", "<p>old</p>")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        on_host(tmp_path, of_run(50, page, ended=3), page)
    assert "20 runs that it shows are newer" in refused.value.stderr
    assert pages(tmp_path) == []


def test_a_marks_moment_is_the_end_of_the_load_whenever_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record.from_dict(
        {
            **RUN,
            "t0_unix": 1_795_000_000.0,
            "phases": report_samples.run()["phases"],
            "created": "2026-01-02T03:04:05Z",
        }
    )
    line = left(tmp_path, monkeypatch, record)
    assert sample(line).value == 1_795_000_140
    unloaded = Record.from_dict({**RUN, "created": "2026-01-02T03:04:05Z"})
    assert sample(left(tmp_path, monkeypatch, unloaded)).value == 1_767_323_045


def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: Record) -> str:
    """The line that an ssh, which answers everything well, is given for a run."""
    as_ssh(tmp_path, monkeypatch, f"cat >{tmp_path}/given")
    assert leave_mark(MONITOR, record, VERDICT, Progress())
    return (tmp_path / "given").read_text()


def as_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """`script` in the place of ssh."""
    (tmp_path / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("repo", "application"),
    [
        ("https://github.com/chrisparnin/checkbox.io", "checkbox"),
        ("git@example.org:team/iTrust2.git", "itrust"),
        ("https://github.com/chrisparnin/checkbox.io-micro-preview.git", None),
        ("/srv/other", None),
    ],
)
def test_a_mark_is_of_an_application_of_production_only_where_the_repository_is_its(
    repo: str, application: str | None
) -> None:
    labels = sample(mark_line(Record.from_dict({**RUN, "repo": repo}), VERDICT, 1)).labels
    assert labels.get("application") == application


def test_a_page_that_cannot_be_published_leaves_the_mark_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_ssh(
        tmp_path,
        monkeypatch,
        f"case \"$*\" in *'test -d'*) echo 'it serves no reports yet' >&2; exit 4;; esac; cat >{tmp_path}/given",
    )
    assert not leave_mark(MONITOR, RECORD, VERDICT, Progress(), Page("a.html", "<p>"))
    said = capsys.readouterr().err
    assert "the page is not published: watcher: it serves no reports yet; type: pipeline prod up" in said
    assert "the verdict is on the dashboard of watcher" in said
    assert "report" not in sample((tmp_path / "given").read_text()).labels


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
    as_ssh(tmp_path, monkeypatch, "echo 'no route to host' >&2\nexit 255")
    leave_mark(MONITOR, RECORD, VERDICT, Progress())
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "the verdict is not on the dashboard: watcher: no route to host" in said


def test_a_monitor_and_none_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["canary", "a", "b", "--monitor", "x.ini", "--no-monitor"]) == Exit.USAGE
    assert "contradict" in capsys.readouterr().err
