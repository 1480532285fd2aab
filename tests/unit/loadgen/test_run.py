"""The loader against a real server on loopback: the schedule, the counts, and what each failure is called."""

from __future__ import annotations

import asyncio
import csv
import itertools
import re
import resource
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from loadgen.plan import Plan
from loadgen.processor import NORMAL, Used
from loadgen.progress import Progress
from loadgen.record import Recorder
from loadgen.request import USER_AGENT
from loadgen.result import Answer, Result
from loadgen.run import run
from loadgen.stats import Stats
from tests.support.loadgen_engines import engine_under_test
from tests.support.loadgen_server import Server, serving

pytestmark = pytest.mark.usefixtures("engine")

Events = list[dict[str, Any]]
HELLO = re.compile(b"hello")


def load(
    path: str,
    during: Callable[[Server], Awaitable[None]] | None = None,
    recorder: Recorder | None = None,
    **options: Any,
) -> tuple[dict[str, Any], Events, Server]:
    """Run a plan against the test server; `during` acts on the server meanwhile."""

    async def go() -> tuple[dict[str, Any], Events, Server]:
        events: Events = []
        async with serving() as server:
            # The server is in this process, too, so that the loader may well be late.
            usual = {
                "engine": engine_under_test(),
                "url": server.url + path,
                "rate": 200,
                "duration": 0.1,
                "max_lateness": 60.0,
            }
            plan = Plan(**{**usual, **options})
            acting = asyncio.ensure_future(during(server)) if during else None
            kept = recorder or Recorder()
            summary = await run(plan, kept, events.append, signals=())
            kept.close()
            if acting:
                await acting
        return summary, events, server

    return asyncio.run(go())


def accounted(summary: dict[str, Any]) -> int:
    return int(summary["completed"] + summary["errors"] + summary["abandoned"])


def test_a_stall_of_a_second_shows_in_p99_because_the_schedule_goes_on() -> None:
    async def stall(server: Server) -> None:
        await asyncio.sleep(0.5)
        await server.stall(1.0)

    summary, events, _ = load("/ok", during=stall, rate=100, duration=2, timeout=30.0, connections=8)

    assert summary["scheduled"] == summary["completed"] == 200
    assert summary["queued"] > 0, "the pool of 8 must have been full"
    # Half of all requests fell due in the stall: every fiftieth of those waited nearly all of it.
    assert summary["latency_ms"]["p99"] >= 900
    assert summary["lateness_ms"]["p50"] < summary["latency_ms"]["p99"] / 2, (
        "waiting is not the loader's lateness"
    )
    inside = next(event for event in events if event["event"] == "second" and event["waiting"])
    assert inside["scheduled"] > 8, "requests fell due while all connections were taken"


def test_every_second_reported_adds_up_to_the_summary() -> None:
    summary, events, server = load("/ok", rate=100, duration=1.2)

    seconds = [event for event in events if event["event"] == "second"]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "end"]
    assert events[-1]["summary"] == summary
    for key in ("scheduled", "sent", "completed", "errors"):
        assert sum(second[key] for second in seconds) == summary[key]
    assert summary["scheduled"] == 120 == len(server.seen)
    assert summary["served_by"] == {"blue": 60, "green": 60}
    for colour, key in itertools.product(("blue", "green"), ("served_by", "good_by")):
        assert sum(second[key].get(colour, 0) for second in seconds) == 60


@pytest.mark.parametrize(
    ("path", "options", "kind"),
    [
        ("/reset", {}, "reset"),
        ("/cut", {}, "reset"),
        ("/hang", {"timeout": 0.2}, "timeout"),
        ("/drip", {"timeout": 0.2}, "timeout"),
        ("/huge", {}, "oversize"),
        ("/endless", {"max_body": 1_000_000, "rate": 20, "duration": 1}, "oversize"),
        ("/endless", {"max_body": 1_000_000, "rate": 20, "duration": 1, "body_regex": HELLO}, "oversize"),
    ],
)
def test_a_request_without_a_whole_response_is_an_error_of_its_kind(
    path: str, options: dict[str, Any], kind: str
) -> None:
    summary, _, _ = load(path, **options)

    assert summary["errors_by_kind"] == {kind: 20}
    assert summary["completed"] == 0
    assert summary["examples"][kind]
    assert accounted(summary) == summary["scheduled"] == 20
    assert summary["valid"], summary["reason"]


@pytest.mark.parametrize(
    ("path", "options"),
    [("/cut", {}), ("/slow", {"timeout": 1.5}), ("/drip", {"timeout": 1.5}), ("/huge", {})],
)
def test_who_began_an_answer_that_did_not_end_is_known_and_with_which_status(
    path: str, options: dict[str, Any], tmp_path: Path
) -> None:
    kept = tmp_path / "requests.csv"
    summary, events, _ = load(path, recorder=Recorder(kept), **options)

    seconds = [event for event in events if event["event"] == "second"]
    assert summary["errors"] == 20
    assert summary["served_by"] == {"green": 20}
    assert all(second["good_by"] == {} for second in seconds)
    with kept.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["status"], row["served_by"], row["latency_us"]) for row in rows} == {("200", "green", "")}
    assert summary["status"] == {}, "an answer that did not end is no answer of its status"


def test_an_endless_body_does_not_fill_the_memory() -> None:
    """1.2 GB in 3 s at 4 a second, before there was a limit; here 8 bodies at once, each searched and so kept."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    summary, _, _ = load("/endless", rate=8, duration=1, max_body=32_000_000, body_regex=HELLO)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert set(summary["errors_by_kind"]) <= {"oversize", "timeout"}  # as far as this machine gets in 5 s
    assert grown < 500_000, f"{grown:,} kB"


def test_only_what_was_expected_is_good() -> None:
    regex = re.compile(b"goodbye")
    seconds = [event for event in load("/ok", body_regex=regex)[1] if event["event"] == "second"]

    assert sum(sum(second["served_by"].values()) for second in seconds) == 20
    assert all(second["good_by"] == {} for second in seconds)


def test_a_refused_connection_is_a_connect_error() -> None:
    with socket.socket() as unused:  # bound but not listening: nobody else can take the port
        unused.bind(("127.0.0.1", 0))
        summary, _, _ = load("/", url=f"http://127.0.0.1:{unused.getsockname()[1]}/")

    assert summary["errors_by_kind"] == {"connect": 20}


def test_what_is_no_http_is_a_protocol_error() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-dropbear\r\n")
        await writer.drain()
        writer.close()

    async def go() -> dict[str, Any]:
        async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            plan = Plan(f"http://127.0.0.1:{port}/", rate=50, duration=0.1, engine=engine_under_test())
            return await run(plan, Recorder(), lambda _: None, signals=())

    assert asyncio.run(go())["errors_by_kind"] == {"protocol": 5}


@pytest.mark.parametrize(
    ("path", "status", "wrong_bodies"),
    [("/ok", {"200": 20}, 20), ("/broken", {"500": 20}, 0), ("/moved", {"302": 20}, 0)],
    ids=["wrong body", "a 500's body is not judged", "a redirect is not followed"],
)
def test_a_body_is_judged_only_under_the_expected_status(
    path: str, status: dict[str, int], wrong_bodies: int
) -> None:
    summary, _, _ = load(path, body_regex=re.compile(b"goodbye"))

    assert summary["status"] == status
    assert summary["wrong_bodies"] == wrong_bodies
    assert summary["errors"] == 0


def test_a_body_regex_reaches_across_lines() -> None:
    summary, _, _ = load("/ok", method="POST", body=b"you", body_regex=re.compile(b"html>.*you", re.DOTALL))

    assert (summary["completed"], summary["wrong_bodies"]) == (20, 0)


def test_headers_are_sent_as_given_and_nothing_else_is_made_up() -> None:
    _, _, server = load("/ok", method="POST", body=b"x", headers=(("X-Tag", "a"), ("x-tag", "b")))

    headers = server.seen[0]
    assert headers.getall("X-Tag") == ["a", "b"]
    assert headers["User-Agent"] == USER_AGENT
    assert not {"Accept-Encoding", "Content-Type", "Cookie"} & set(headers)


def test_a_loader_that_is_late_itself_says_the_run_is_invalid() -> None:
    async def freeze(_: Server) -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # noqa: ASYNC251 - to block the loop is the point

    summary, _, _ = load("/ok", during=freeze, max_lateness=0.1)

    assert summary["valid"] is False
    assert "the loader was late" in summary["reason"]
    assert summary["scheduled"] == summary["completed"] == 20, "late, but none left out"


def test_percentiles_count_what_timed_out() -> None:
    """Most never came: the median of all is beyond the timeout, and not that of the few that were quick."""

    async def stall(server: Server) -> None:
        await asyncio.sleep(0.1)
        await server.stall(8)

    summary, events, _ = load("/ok", during=stall, rate=100, duration=2, timeout=2.0)
    assert summary["completed"] < 100
    assert (summary["latency_ms"]["p50"], summary["latency_ms"]["max"]) == (None, None)
    assert summary["timeout_s"] == 2.0
    seconds = [event for event in events if event["event"] == "second"]
    assert set(summary["errors_by_kind"]) == {"timeout", "unsent"}, "there are 64 connections"
    assert sum(second["beyond"] for second in seconds) == summary["errors"]
    assert seconds[-1]["p50_ms"] is None


def test_percentiles_within_the_timeout_are_of_all_of_them() -> None:
    stats = Stats(Plan("http://h/", 1, 1))
    for number in range(90):
        stats.add(Result(number, 0, 1000 * (number + 1), Answer(0.0, status=200)))
    for number in range(10):
        stats.add(Result(number, 0, None, Answer(0.0, error="timeout", why="slow")))
    told = stats.summary(
        Progress(100, 100, 0, 0, 0, 0), t0_unix=0, elapsed=1, used=Used(0, 0), scheduling=NORMAL
    )["latency_ms"]
    assert told["p50"] == pytest.approx(50, rel=0.01)
    assert told["p90"] == pytest.approx(90, rel=0.01)
    assert (told["p99"], told["max"]) == (None, None)
