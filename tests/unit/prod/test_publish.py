"""A run's page as it is published on the monitor: its name, what it does not say, and where there is no monitor."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli import marks
from pipeline.cli.root import run as command
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.prod.publish import page_of
from pipeline.runs.directory import judge_run, load
from tests.support.run_files import RUN, whole_run, write


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with samples and a verdict, whose canary logged what nobody should run."""
    path = tmp_path / "runs" / "20261130T120000Z-master-v2"
    path.mkdir(parents=True)
    (path / "logs").mkdir()
    (path / "logs/blue.log").write_text("fine\n")
    (path / "logs/green.log").write_text("fine\nError: <script>alert(1)</script>\n")
    profile = {**RUN["profile"], "environment": {"API_TOKEN": "hunter2secret"}}
    more = {"repo": "https://example.org/a.git", "settings": {"inventory": "hosts.ini"}}
    judge_run(write(path, *whole_run(rate=5), run={**RUN, **more, "profile": profile}))
    return path


def test_a_page_has_no_secret_no_script_no_link_to_files_beside_it_and_not_where_its_run_lies(
    run: Path,
) -> None:
    loaded = load(run)
    text = page_of(loaded, loaded.verdict).text
    assert "hunter2secret" not in text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert str(run.parent) not in text
    assert run.name in text
    assert "logs/green.log" not in text
    assert len(text.encode()) < 600_000


@pytest.mark.parametrize("name", ["...", ".hidden", "a b", "é<img src=x>", "$(id)", "x" * 200, "-rf"])
def test_whatever_a_runs_directory_is_called_its_page_has_a_plain_name(run: Path, name: str) -> None:
    moved = run.parent / name
    shutil.copytree(run, moved)
    loaded = load(moved)
    page = page_of(loaded, loaded.verdict)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.html", page.name)
    assert page.path == f"/reports/{page.name}"


def test_a_run_has_the_same_name_by_a_link_and_another_than_a_run_of_another_repository(run: Path) -> None:
    (latest := run.parent / "latest").symlink_to(run)
    names = {page_of(one, one.verdict).name for one in map(load, (run, latest))}
    assert len(names) == 1
    other = run.parent / "other" / run.name
    shutil.copytree(run, other)
    text = (other / "run.json").read_text()
    (other / "run.json").write_text(text.replace("example.org/a.git", "example.org/b.git"))
    assert page_of(load(other), load(other).verdict).name not in names


def without_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.prod.mark.last_inventory", lambda: None)


def test_without_a_monitor_publishing_is_refused_in_one_line_before_anything_is_done(
    run: Path, samples: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_monitor(monkeypatch)
    before = sorted(run.iterdir())
    for arguments in (
        ["report", str(run), "--publish"],
        ["canary", "master", "broken", "--repo", str(samples), "--publish", "--runs", str(run.parent)],
    ):
        assert command(arguments) == Exit.USAGE
        said = capsys.readouterr().err.splitlines()
        assert said[-2:] == [
            "pipeline: --publish: there is no monitor",
            "  try: pipeline prod up; or --monitor FILE: an inventory with a group `monitor`",
        ]
    assert sorted(run.iterdir()) == before
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_a_monitor_that_does_not_answer_is_told_before_hosts_boot(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\necho 'no route to host' >&2\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    write_inventory(Inventory({"monitor": (Host("watcher", "192.0.2.7"),)}), file := tmp_path / "hosts.ini")
    arguments = ["canary", "master", "broken", "--repo", str(samples), "--publish", "--monitor", str(file)]
    assert command(arguments) == Exit.ENVIRONMENT
    assert "watcher: no route to host" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "code"), [(0, Exit.OK), (1, Exit.ENVIRONMENT)])
def test_a_run_that_is_over_can_be_published_and_where_that_fails_the_exit_code_says_so(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    code: Exit,
) -> None:
    # Each connection leaves what it was sent; one that has a page ends with `status`.
    script = (
        f"#!/bin/sh\ncat >{tmp_path}/sent.$$\ngrep -q '<html' {tmp_path}/sent.$$ && exit {status}\nexit 0\n"
    )
    (tmp_path / "ssh").write_text(script)
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    write_inventory(Inventory({"monitor": (Host("watcher", "192.0.2.7"),)}), file := tmp_path / "hosts.ini")
    assert command(["report", str(run), "--publish", "--monitor", str(file)]) == code
    told = capsys.readouterr()
    assert "canary score" in told.out
    page = page_of(load(run), load(run).verdict)
    sent = [path.read_text() for path in tmp_path.glob("sent.*") if path.stat().st_size]
    assert f'report="{page.path}"}} ' in sent[0] + sent[-1]
    assert sum(page.text in one for one in sent) == 1
    assert ("the page is not published: watcher: " in told.err) == (status == 1)
    # Where the page could not be put there, the verdict is there without it.
    assert sum("report=" not in one for one in sent) == (1 if status else 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["canary", "a", "b", "--publish", "--no-monitor"],
            "--publish and --no-monitor contradict each other",
        ),
        (["report", "runs/x", "--monitor", "x.ini"], "--monitor goes with --publish"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(arguments) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_a_run_of_the_bundled_sample_is_on_productions_dashboard_only_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_inventory(Inventory({"monitor": (Host("watcher", "192.0.2.7"),)}), file := tmp_path / "hosts.ini")
    monkeypatch.setattr("pipeline.prod.mark.last_inventory", lambda: file)
    assert marks.marks_of(None, None, publish=False, sample=True).monitor is None
    for found in (
        marks.marks_of(None, None, publish=False),
        marks.marks_of(file, None, publish=False, sample=True),
    ):
        assert found.monitor is not None
        assert found.monitor.name == "watcher"
