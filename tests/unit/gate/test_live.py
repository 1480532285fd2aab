"""The command, against a real Prometheus that scrapes two small services just now."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.base.errors import Exit
from pipeline.cli.root import run
from tests.support.live_services import CONFIG, Service, live

SECONDS = 40  # ten steps, the fewest that a level can pass with
Place = tuple[str, Path]


def command(url: str, directory: Path, *options: str) -> list[str]:
    config = directory / "canary.yml"
    config.write_text(CONFIG, "utf-8")
    return [
        "gate", "--config", str(config), "--prometheus", url, "--runs", str(directory / "runs"), *options
    ]  # fmt: skip


def started(arguments: list[str]) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said_until(child: subprocess.Popen[str], word: str) -> str:
    """What it has said when a line has the word."""
    assert child.stderr
    told = ""
    for line in child.stderr:
        told += line
        if word in line:
            return told
    raise AssertionError(told)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server that scrapes old and new, and what all fails of; and a directory."""
    directory = tmp_path_factory.mktemp("live")
    services = [Service("old", 31), Service("new", 32), Service("down", 33)]
    services[2].failing = 1.0
    with live(directory, services) as url:
        yield url, directory


def test_a_canary_that_fails_ends_it_at_once_and_what_was_asked_for_is_done(
    place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    written = {
        f"--{option}": tmp_path / name
        for option, name in (
            ("junit", "j.xml"), ("summary", "s.md"), ("html", "page.html"), ("json-file", "v.json"),
        )
    }  # fmt: skip
    arguments = command(
        place[0], tmp_path, "--set", "canary.version=down", "--for", "1h", "--json",
        "--on-fail", f"sh -c 'cat >{tmp_path}/failed.json; cp {tmp_path}/j.xml {tmp_path}/then.xml'",
        "--on-pass", f"touch {tmp_path}/passed", "--annotations", "github",
        *(f"{option}={path}" for option, path in written.items()),
    )  # fmt: skip
    assert run(arguments) == Exit.FAILED
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert json.loads((tmp_path / "failed.json").read_text("utf-8")) == document
    assert not (tmp_path / "passed").exists()
    assert json.loads((tmp_path / "v.json").read_text("utf-8")) == document
    assert "::error title=The canary failed::" in err
    assert 'failures="2"' in (tmp_path / "then.xml").read_text("utf-8"), "the command finds the files written"
    assert (tmp_path / "s.md").read_text("utf-8").startswith("## The canary failed: canary version=down")
    page = (tmp_path / "page.html").read_text("utf-8")
    _tells_all(page, place[0])
    assert document["run"]["stopped_early"]["decided_after"] <= 60
    assert "errors: baseline 1 series, last sample" in err
    assert "shown worse: Errors" in err

    assert run(["runs", "--runs", str(tmp_path / "runs"), "--json"]) == Exit.OK
    (listed,) = json.loads(capfd.readouterr().out)
    assert (listed["outcome"], listed["canary"]["ref"]) == ("failed", "version=down")
    for path in written.values():
        path.unlink()
    again = [f"{option}={path}" for option, path in written.items()]
    assert run(["judge", listed["directory"], *again]) == Exit.FAILED
    _tells_all((tmp_path / "page.html").read_text("utf-8"), place[0])
    assert all(path.is_file() for path in written.values())
    report = Path(listed["directory"]) / "report.html"
    assert not report.exists()
    assert run(["report", listed["directory"]]) == Exit.OK
    assert f"report: {report}" in capfd.readouterr().out
    _tells_all(report.read_text("utf-8"), place[0])


def _tells_all(page: str, url: str) -> None:
    """Charts, windows, the queries with what each gave, the server, and the version of the tool."""
    assert '<path class="line canary" d="M' in page
    assert re.search(
        r"<th scope=\"row\">canary</th><td>20\d\d-\d\d-\d\d [\d:]+ to [^<]+ UTC, \d+ s</td>", page
    )
    asked = re.search(
        r"<code>http_requests_total\{version=&#34;down&#34;,status=&#34;500&#34;\}</code></td>"
        r'<td class="n">1</td><td class="n">(\d+)</td>',
        page,
    )
    assert asked
    assert int(asked[1]) > 1
    assert f'<th scope="row">from</th><td>{url}</td>' in page
    assert f"pipeline {__version__}" in page


def test_a_command_that_fails_is_told_and_tried_again(place: Place, tmp_path: Path) -> None:
    arguments = command(
        place[0], tmp_path, "--set", "canary.version=down", "--for", "1h", "--on-fail", "false"
    )
    for _ in range(2):
        child = started(arguments)
        _, said = child.communicate(timeout=200)
        assert child.returncode == Exit.FAILED
        assert "--on-fail: false ended with code 1" in said
    assert "going on with" in said
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_one_that_was_killed_goes_on_and_ctrl_c_says_how(place: Place, tmp_path: Path) -> None:
    arguments = command(place[0], tmp_path, "--for", f"{SECONDS}s", "--set", "metrics.leak.margin=100MB/min")
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, Exit.INTERRUPTED)):
        child = started(arguments)
        said = said_until(child, "left;")
        os.kill(child.pid, number)
        _, rest = child.communicate(timeout=100)
        assert child.returncode == code
    assert "going on with" in said
    assert "try: the same command goes on with it" in rest
    last = started(arguments)
    _, said = last.communicate(timeout=200)
    assert "going on with" in said
    assert last.returncode in (Exit.OK, Exit.INCONCLUSIVE), said
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_versions_that_share_series_are_refused_before_the_wait(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command(place[0], tmp_path, "--for", "1h", "--set", "canary.version=o.*|new")) == Exit.USAGE
    assert "the versions are not told apart: errors: 1 series of" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_label_that_matches_nothing_is_told_before_the_wait_with_what_there_is(
    place: Place, tmp_path: Path
) -> None:
    child = started(command(place[0], tmp_path, "--for", "1h", "--set", "canary.version=nwe"))
    told = said_until(child, "state:")
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=100)
    assert (
        'nothing in the canary for http_requests_total{version="nwe"} (there version is down, new, old)'
        in told
    )
    assert "latency: baseline 41 series" in told
    assert "canary no series" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "how long is to be watched?"),
        (["--for", "5s"], "no whole number of steps"),
        (["--for", "20s"], "no level passes with fewer than 10"),
        (["--for", "1h", "--on-fail", "no-such-program x"], "there is no program 'no-such-program'"),
        (["--for", "1h", "--on-pass", "echo 'x"], "--on-pass: No closing quotation"),
        (["--for", "1h", "--on-pass", " "], "--on-pass: no command is given"),
        (["--for", "1h", "--set", "canary"], "is not KEY=VALUE"),
        (["--for", "1h", "--set", "metrics.nothing.margin=1"], "there is no nothing in"),
        (["--for", "1h", "--set", "pairing=age"], "a gate watches both at once"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_asked(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command("http://127.0.0.1:1", tmp_path, *options)) == Exit.USAGE
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_server_that_is_not_there_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command("http://127.0.0.1:1", tmp_path, "--for", "1h")) == Exit.ENVIRONMENT
    assert "cannot be asked: connection refused" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
