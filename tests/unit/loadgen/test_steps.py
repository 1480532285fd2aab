"""Steps against a real server, with both engines: log in, then read with the cookie and the token of the answer."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadgen.mixfile import mix_of
from loadgen.plan import Plan
from loadgen.record import Recorder
from loadgen.run import run
from tests.support.keeping_server import serving as keeping
from tests.support.loadgen_engines import engine_under_test
from tests.support.session_server import SessionServer, serving_sessions

pytestmark = pytest.mark.usefixtures("engine")

VALUES = {"user": {"one_of": ["ada", "bob"]}, "password": {"one_of": ["s3cret-of-ada", "s3cret-of-bob"]}}
LOG_IN: dict[str, Any] = {
    "name": "log in",
    "method": "POST",
    "path": "/login",
    "json": {"user": "{{user}}", "password": "{{password}}"},
    "expect": {"status": 201},
    "capture": {
        "token": {"json": "$.token"},
        "number": {"regex": r'"ids": \[(\d+)\]'},
        "csrf": {"header": "x-csrf"},
    },
}
ORDERS: dict[str, Any] = {
    "name": "orders",
    "path": "/users/{{number}}/orders",
    "headers": {"Authorization": "Bearer {{token}}", "X-Csrf": "{{csrf}}"},
    "expect": {"body_regex": "^orders of (ada|bob)$"},
}
LOG_OUT: dict[str, Any] = {"name": "log out", "method": "POST", "path": "/logout"}
BYE: dict[str, Any] = {"name": "bye", "path": "/bye"}
ALL = {"steps": [LOG_IN, ORDERS, LOG_OUT, BYE]}


def load(
    requests: list[dict[str, Any]],
    out: Path,
    change: Callable[[SessionServer], None] = lambda _: None,
    **options: Any,
) -> tuple[dict[str, Any], list[str], list[dict[str, str]]]:
    """The summary, what the server saw, and the rows."""

    async def go() -> tuple[dict[str, Any], list[str]]:
        async with serving_sessions() as server:
            change(server)
            mix = mix_of({"requests": requests, "values": VALUES}, Path(), server.url)
            usual = {
                "rate": 50,
                "duration": 0.4,
                "timeout": 30.0,
                "max_lateness": 60.0,
                "engine": engine_under_test(),
            }
            recorder = Recorder(out)
            plan = Plan(server.url, **{**usual, **options}, mix=mix)
            summary = await run(plan, recorder, lambda _: None, signals=())
            recorder.close()
            return summary, server.seen

    summary, seen = asyncio.run(go())
    with out.open(newline="") as file:
        return summary, seen, list(csv.DictReader(file))


def counts(summary: dict[str, Any], key: str) -> dict[str, int]:
    return {name: each[key] for name, each in summary["by_request"].items()}


def test_each_sequence_reads_with_the_cookie_and_the_values_of_its_own_log_in(tmp_path: Path) -> None:
    summary, seen, rows = load([ALL], tmp_path / "requests.csv")

    assert counts(summary, "completed") == {"log in": 20, "orders": 20, "log out": 20, "bye": 20}
    assert (summary["scheduled"], summary["sent"], summary["failed"]) == (80, 80, 0)
    assert summary["examples"] == {}
    # every row of values goes through a whole sequence, and each log-in begins without a cookie
    assert Counter(seen)["log in ada/s3cret-of-ada cookie="] == 10
    assert Counter(seen)["orders ada"] == Counter(seen)["orders bob"] == 10
    # the cookie of another path is not sent, and one that was taken back is not, either
    assert sum(line.startswith("log out cookie=sid=s") for line in seen) == 20
    assert Counter(seen)["bye cookie="] == 20
    assert Counter(row["request"] for row in rows) == counts(summary, "completed")


def test_a_step_is_due_when_the_one_before_it_was_answered(tmp_path: Path) -> None:
    def slow(server: SessionServer) -> None:
        server.seconds = 0.2

    _, _, rows = load([{"steps": [LOG_IN, ORDERS]}], tmp_path / "requests.csv", slow, rate=5, duration=0.2)

    log_in, orders = rows
    assert float(log_in["t"]) == 0
    due = float(log_in["t"]) + int(log_in["latency_us"]) / 1e6
    assert float(orders["t"]) == pytest.approx(due, abs=1e-5)
    assert int(log_in["latency_us"]) >= 200_000


def test_a_step_that_fails_ends_its_sequence_and_what_is_not_sent_is_counted(tmp_path: Path) -> None:
    def broken(server: SessionServer) -> None:
        server.status = 500

    summary, seen, rows = load([ALL, BYE | {"name": "alone"}], tmp_path / "requests.csv", broken)

    assert counts(summary, "completed") == {"log in": 10, "orders": 0, "log out": 0, "bye": 0, "alone": 10}
    assert counts(summary, "skipped") == {"log in": 0, "orders": 10, "log out": 10, "bye": 10, "alone": 0}
    assert summary["scheduled"] == summary["sent"] == len(rows) == 20
    assert summary["failed"] == 10
    assert not any(line.startswith("orders") for line in seen)


@pytest.mark.parametrize(
    ("capture", "found"),
    [
        ({"json": "$.token"}, "$.token"),
        ({"header": "X-None"}, "X-None"),
        ({"regex": "none(.)"}, "none(.)"),
        ({"json": "$.user"}, "$.user"),
    ],
    ids=["json", "header", "regex", "object"],
)
def test_what_is_not_found_is_a_wrong_answer_of_that_step_and_is_named(
    tmp_path: Path, capture: dict[str, str], found: str
) -> None:
    def other(server: SessionServer) -> None:
        server.token = "other"

    steps = [LOG_IN | {"capture": {"x": capture}}, BYE]
    summary, _, rows = load([{"steps": steps}], tmp_path / "requests.csv", other)

    assert counts(summary, "wrong_bodies") == {"log in": 20, "bye": 0}
    assert counts(summary, "skipped") == {"log in": 0, "bye": 20}
    assert {(row["request"], row["error"], row["body_ok"]) for row in rows} == {("log in", "", "0")}
    assert all(row["latency_us"] for row in rows)
    assert summary["examples"] == {"capture": f"log in: {found} was not found, which is captured as x"}
    assert summary["failed"] == 20


def test_users_of_a_closed_load_go_through_whole_sequences(tmp_path: Path) -> None:
    summary, seen, _ = load([ALL], tmp_path / "requests.csv", users=2, rate=0)

    completed = counts(summary, "completed")
    assert completed["log in"] == completed["bye"] >= 2, "the last ones are ended, though the time is over"
    assert summary["failed"] == 0
    order = [line.split()[0] for line in seen]
    assert order.count("bye") == completed["bye"]


def test_a_sequence_does_not_go_on_in_another_phase(tmp_path: Path) -> None:
    """What follows would go to another server, which does not know the user."""

    def slow(server: SessionServer) -> None:
        server.seconds = 0.3

    steps = [{"steps": [LOG_IN, ORDERS]}]
    summary, _, _ = load(
        steps, tmp_path / "requests.csv", slow, rate=4, duration=0.5, phase_ends=(0.25,), connections=8
    )

    assert counts(summary, "completed") == {"log in": 2, "orders": 1}
    assert counts(summary, "skipped") == {"log in": 0, "orders": 1}
    assert summary["failed"] == 0


def test_a_step_that_finds_no_connection_waits_and_its_wait_counts(tmp_path: Path) -> None:
    def slow(server: SessionServer) -> None:
        server.seconds = 0.2

    steps = [{"steps": [LOG_IN, ORDERS]}]
    summary, _, rows = load(steps, tmp_path / "requests.csv", slow, connections=1, rate=100, duration=0.03)

    assert counts(summary, "completed") == {"log in": 3, "orders": 3}
    first = next(row for row in rows if row["request"] == "orders")
    assert int(first["waited_us"]) > 0, "two log-ins were due before it"
    assert int(first["latency_us"]) >= int(first["waited_us"]) + 200_000


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nX-Id: 7\r\nSet-Cookie: a=b\r\nContent-Length: 11\r\n\r\n{"t": "ok"}',
        b'HTTP/1.1 200 OK\nX-Id: 7\nSet-Cookie: a=b\nContent-Length: 11\n\n{"t": "ok"}',
        b"HTTP/1.1 103 Early\r\nX-Id: 1\r\nSet-Cookie: early=1\r\n\r\n"
        b'HTTP/1.1 200 OK\r\nX-Id: 7\r\nSet-Cookie: a=b\r\nContent-Length: 11\r\n\r\n{"t": "ok"}',
        b"HTTP/1.1 200 OK\r\nX-Id: 7\r\nSet-Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'5\r\n{"t":\r\n6\r\n "ok"}\r\n0\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nX-Id: 7\r\nSet-Cookie: a=b\r\nContent-Length: 400011\r\n\r\n"
        + b" " * 400_000
        + b'{"t": "ok"}',
    ],
    ids=["plain", "line feeds", "103", "chunked", "large"],
)
def test_whatever_form_an_answer_has_its_cookie_and_values_are_read(answer: bytes) -> None:
    capture = {"t": {"json": "$.t"}, "id": {"header": "X-Id"}, "all": {"regex": "o."}}
    steps = [
        {"name": "one", "path": "/", "capture": capture},
        {
            "name": "two",
            "path": "/{{t}}/{{id}}/{{all}}",
            "headers": {"Cookie": "own=1", "Connection": "close"},
        },
    ]
    with keeping(answer) as server:
        mix = mix_of({"requests": [{"steps": steps}]}, Path(), server.url.rstrip("/"))
        plan = Plan(server.url, 2, 1, max_lateness=60.0, timeout=30.0, mix=mix, engine=engine_under_test())
        summary = asyncio.run(run(plan, Recorder(), lambda _: None, signals=()))

    assert counts(summary, "completed") == {"one": 2, "two": 2}, summary
    second = [asked for asked in server.asked if b"GET /ok/7/ok " in asked]
    assert len(second) == 2
    assert all(b"\r\nCookie: own=1; a=b\r\n" in asked for asked in second)


def test_what_is_captured_and_what_it_was_asked_with_is_in_no_file_of_results(tmp_path: Path) -> None:
    summary, _, _ = load([ALL], tmp_path / "requests.csv")

    text = (tmp_path / "requests.csv").read_text() + str(summary)
    assert not any(word in text for word in ("s3cret", "t/1", "sid="))
