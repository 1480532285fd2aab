"""A recording, sent again to a real server, with both engines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadgen.cli import OK, USAGE, main
from loadgen.plan import Plan
from loadgen.recorded import read_recording
from loadgen.replay import Replay
from tests.support.keeping_server import serving

LOG = "".join(
    f'h - - [30/Nov/2026:10:00:0{second} +0000] "{request} HTTP/1.1" {status} 2 "-" "-"\n'
    for second, request, status in (
        (0, "GET /a?key=k", 200),
        (0, "HEAD /b", 200),
        (1, "GET /c", 404),
        (1, "DELETE /d", 204),
        (1, "GET /e", 502),
    )
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(LOG)
    return path


def replayed(log: Path, *options: str) -> tuple[dict[str, Any], list[bytes]]:
    """The summary, and the first lines that the server got."""
    with serving() as server:
        told = subprocess.run(
            [
                *(sys.executable, "-m", "loadgen", server.url, f"--replay={log}", "--events"),
                *("--max-lateness=5s", "--header=X-Own: 1", *options),
            ],
            capture_output=True,
            check=False,
        )
        assert (told.returncode, told.stderr) == (OK, b"")
        asked = [request.split(b"\r\n") for request in server.asked]
    assert all(b"X-Own: 1" in lines for lines in asked)
    return json.loads(told.stdout.splitlines()[-1])["summary"], sorted(lines[0] for lines in asked)


@pytest.mark.usefixtures("engine")
def test_what_reads_is_sent_again_when_it_was_made_and_expected_to_be_answered_as_then(
    log: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    summary, asked = replayed(log, f"--requests-out={rows}")
    assert asked == [b"GET /a?key= HTTP/1.1", b"GET /c HTTP/1.1", b"GET /e HTTP/1.1", b"HEAD /b HTTP/1.1"]
    assert summary["completed"] == 4 - summary["errors"]
    assert summary["failed"] - summary["errors"] == 1, (
        "/c was 404, and is 200 now; /e had failed, and has not now"
    )
    assert "1 DELETE left out" in summary["replayed"]
    due = sorted(float(line.split(",")[0]) for line in rows.read_text().splitlines()[1:])
    assert due == pytest.approx([0.0, 0.5, 1.0, 1.5])


def test_writes_are_sent_where_they_are_allowed_at_a_rate_of_its_own(log: Path) -> None:
    summary, asked = replayed(log, "--allow-writes", "--rate=50")
    assert b"DELETE /d HTTP/1.1" in asked
    assert (summary["scheduled"], summary["rate"]) == (5, 50)


def test_a_recording_may_be_cut(log: Path) -> None:
    summary, asked = replayed(log, "--duration=0.9s")
    assert summary["scheduled"] == len(asked) == 2


def test_a_header_that_is_given_counts_more_than_a_recorded_one(tmp_path: Path) -> None:
    entry = {
        "startedDateTime": "2026-11-30T10:00:00Z",
        "request": {"method": "GET", "url": "https://h/a", "headers": [{"name": "accept", "value": "x/y"}]},
    }
    path = tmp_path / "a.har"
    path.write_text(json.dumps({"log": {"entries": [entry]}}))
    replay = Replay(read_recording(path), "http://other", (("Accept", "text/html"),), None)
    (request,) = replay.requests()
    assert Plan("http://other", rate=10, duration=1, mix=replay).total == 1, "no more than was recorded"
    assert (request.url, request.headers) == ("http://other/a", (("Accept", "text/html"),))


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("http://h/a", [], "its paths are in the recording"),
        ("http://h", ["--users=2"], "--replay and --users"),
        ("http://h", ["--method=POST"], "--replay and --method"),
        ("http://h", ["--replay-format=har"], "not a HAR file"),
        ("http://h", ["--replay=no-such-file"], "no-such-file: No such file"),
    ],
)
def test_what_does_not_go_together_is_one_line_and_exit_2(
    url: str, options: list[str], said: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([url, f"--replay={log}", *options]) == USAGE
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
