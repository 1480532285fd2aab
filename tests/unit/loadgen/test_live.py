"""What is seen while a run goes on: on a terminal, in a log, and by a Prometheus; and the page at its end."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadgen.cli import FAILED, OK, USAGE, main
from loadgen.live import EVERY, Lines, View
from loadgen.page import Page
from loadgen.plan import Plan
from tests.support.keeping_server import serving
from tests.support.ports import free_port


def second(t: float, **other: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "event": "second",
        "t": t,
        "sent": 50,
        "completed": 50,
        "errors": 0,
        "errors_by_kind": {},
        "wrong_bodies": 0,
        "status": {"200": 50},
        "p50_ms": 2.0,
        "p99_ms": 4.0,
        "beyond": 0,
        "timeout_s": 5.0,
        "lateness_p99_ms": 0.1,
        "in_flight": 1,
        "waiting": 0,
    }
    return usual | other


START = {"event": "start", "duration": 60.0, "arrivals": "open: constant, 50/s"}


def test_a_line_every_few_seconds_has_the_sums_and_the_worst_of_them() -> None:
    out = io.StringIO()
    told = Lines(out)
    for t in range(1, 2 * EVERY + 1):
        bad = {"errors": 2, "errors_by_kind": {"reset": 2}, "p99_ms": 90.0} if t == 2 else {}
        told(second(t + 0.001, **bad))
    first, last = out.getvalue().splitlines()
    assert first == (
        "5 s  49.99/s sent  status 200: 250  errors reset: 2  0 wrong bodies  p99 up to 90.0 ms  1 in flight, 0 waiting"
    )
    assert last.startswith("10 s  50/s sent  status 200: 250  errors none")


def test_a_line_says_what_was_beyond_the_timeout() -> None:
    out = io.StringIO()
    Lines(out)(second(5.0, p99_ms=None, beyond=50))
    assert "p99 up to > 5 s" in out.getvalue()


def test_the_view_is_written_over_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out, screen = io.StringIO(), pyte.Screen(60, 20)
    view = View(out)
    view(START)
    view(second(1.0))
    view(second(2.0, status={"200": 40, "503": 10}, errors_by_kind={"reset": 3}, p99_ms=80.0))
    stream = pyte.Stream(screen)
    stream.feed(out.getvalue().replace("\n", "\r\n"))
    shown = [line.rstrip() for line in screen.display if line.strip()]
    assert shown[0].startswith("2 s of 60 s   open: constant, 50/s")
    assert "status        200: 90, 503: 10" in shown
    assert "errors        reset: 3" in shown
    assert any(line.startswith("p99           ▁█  up to 80.0 ms") for line in shown)
    view.clear()
    screen.reset()
    stream.feed(out.getvalue().replace("\n", "\r\n"))
    assert not "".join(screen.display).strip()


def test_a_server_cannot_move_the_cursor() -> None:
    out = io.StringIO()
    View(out)(second(1.0, errors_by_kind={"\x1b[2Jreset": 1}))
    assert "\x1b[2J" not in out.getvalue()


def test_on_a_terminal_there_is_the_view_and_in_the_end_only_the_summary() -> None:
    parent, child = pty.openpty()
    with serving() as server:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "loadgen",
                server.url,
                "--rate=20",
                "--duration=2.2s",
                "--max-lateness=5s",
            ],
            stdin=subprocess.DEVNULL,
            stdout=child,
            stderr=child,
        )
        os.close(child)
        came = b""
        while True:
            try:
                piece = os.read(parent, 10_000)
            except OSError:  # the other end is closed
                break
            came += piece
        assert process.wait() == OK
    os.close(parent)
    screen = pyte.Screen(200, 60)
    pyte.Stream(screen).feed(came.decode())
    shown = [line.rstrip() for line in screen.display if line.strip()]
    assert shown[0] == "load          open: constant, 20/s"
    assert shown[-1] == "valid         yes"
    assert b"1 s of 2 s" in came


def asked_while_it_runs(url: str, port: int, enough: Callable[[str], bool]) -> str:
    """What /metrics says once it is enough."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "loadgen", url, "--rate=50", "--duration=60s", "--quiet"),
            *("--max-lateness=5s", f"--prometheus={port}"),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    text = str(answer.read().decode())
                    assert answer.headers["Content-Type"].startswith("text/plain; version=")
            except urllib.error.URLError:
                text = ""
            if enough(text):
                return text
            time.sleep(0.1)
        raise AssertionError(f"not in a minute: {text}")
    finally:
        process.terminate()
        process.wait()


def test_a_prometheus_reads_the_run_while_it_goes_on() -> None:
    with serving() as server:
        text = asked_while_it_runs(server.url, free_port(), lambda text: "loadgen_lateness" in text)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (requests,) = families["loadgen_requests"].samples
    assert (requests.name, requests.labels) == ("loadgen_requests_total", {"status": "200"})
    buckets = [each for each in families["loadgen_latency_seconds"].samples if each.name.endswith("_bucket")]
    assert buckets[-1].labels == {"le": "+Inf"}
    assert [each.value for each in buckets] == sorted(each.value for each in buckets)
    assert buckets[-1].value == requests.value > 0
    assert families["loadgen_received_bytes"].samples[0].value == 2 * requests.value


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        assert main(["http://127.0.0.1:9/", f"--prometheus={server.port}"]) == USAGE
    told = capsys.readouterr().err
    assert "nobody can listen there: Address already in use" in told
    assert len(told.splitlines()) == 1


def test_the_summary_goes_to_json_and_to_a_page_without_the_query(tmp_path: Path) -> None:
    out, page, query = tmp_path / "a.json", tmp_path / "a.html", tmp_path / "query"
    query.write_text("key=s3cret")
    with serving(b"HTTP/1.1 200 OK\r\nX-Served-By: <b>&blue\r\nContent-Length: 2\r\n\r\nhi") as server:
        code = main(
            [
                *(server.url, "--rate=50", "--duration=2.5s", "--max-lateness=5s", "--quiet"),
                *(
                    f"--json-out={out}",
                    f"--html-out={page}",
                    f"--query-file={query}",
                    "--fail-if=p50>0.001ms",
                ),
            ]
        )
    assert code == FAILED
    summary = json.loads(out.read_text())
    assert (summary["completed"], summary["bytes"], summary["interrupted"]) == (125, 250, False)
    assert list(summary["latency_ms"]) == ["p50", "p90", "p95", "p99", "p999", "max"]
    assert summary["service_ms"]["p50"] <= summary["latency_ms"]["p50"]
    assert len(summary["failures"]) == 1
    text = page.read_text()
    assert "s3cret" not in text
    assert "&lt;b&gt;&amp;blue" in text
    assert "<b>" not in text
    assert '<p class="failed">failed</p>' in text
    assert len(re.findall(r'<path class="\w+" d="M', text)) == 4
    assert "<script" not in text


def test_a_page_of_a_day_has_no_more_points_than_room_and_keeps_the_worst() -> None:
    page = Page(Plan("http://h/", 1, 86_400))
    for t in range(1, 20_001):
        page(second(float(t), p99_ms=700.0 if t == 12_345 else 4.0))
    chart = page._charts()[0]
    assert chart.highest == "700"
    for line in chart.lines:
        assert line.d.count("L") <= 500
    assert re.search(r"L[\d.]+ 7\.6(L|$)", chart.lines[0].d), "the worst second, 5 % below the top"


def test_files_that_cannot_be_opened_leave_nothing_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()
    for option in ("json-out", "html-out", "k6-out", "vegeta-out", "requests-out"):
        assert main(["http://127.0.0.1:9/", f"--{option}={tmp_path / 'no' / 'file'}"]) == USAGE
        assert capsys.readouterr().err.endswith("No such file or directory (see --help)\n")
    assert threading.active_count() == before
