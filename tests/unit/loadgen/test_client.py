"""What both clients do alike: the bytes that are sent, connections used again, addresses, reading late."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from loadgen.choice import client_for, engine_of
from loadgen.cli import USAGE, main
from loadgen.plan import Plan
from loadgen.request import request_bytes
from loadgen.result import Answer
from tests.support.keeping_server import ANSWER, Server, serving
from tests.support.loadgen_engines import engine_under_test
from tests.support.real_prometheus import write_certificate

both_engines = pytest.mark.usefixtures("engine")


def answers(plan: Plan, times: int = 1, pause: float = 0.0, block: float = 0.0) -> list[Answer]:
    """One request after the other; the event loop stands still for `block` seconds while each is on its way."""

    async def go() -> list[Answer]:
        loop, found = asyncio.get_running_loop(), []
        async with client_for(plan) as client:
            for number in range(times):
                answer: asyncio.Future[Any] = loop.create_future()
                client.send(time.monotonic() + 10, time.monotonic() + 20, answer.set_result)
                if block and number:  # on a connection that is there
                    await asyncio.sleep(0.01)
                    time.sleep(block)  # noqa: ASYNC251 - to block the loop is the point
                found.append(await answer)
                await asyncio.sleep(pause)
        return found

    return asyncio.run(go())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "POST"},
        {"method": "POST", "body": b""},
        {"method": "GET", "body": b"abc"},
        {"method": "DELETE"},
        {"method": "OPTIONS"},
        {"method": "FOO"},
        {"method": "PUT", "body": b"x", "headers": (("X-Tag", "a"), ("x-tag", "b\u00e9"), ("Host", "me"))},
        {"headers": (("User-Agent", "u"), ("Accept", "b"), ("Connection", "close"), ("Empty", ""))},
    ],
    ids=str,
)
@both_engines
def test_both_engines_send_the_same_bytes(options: dict[str, Any]) -> None:
    with serving() as server:
        plan = Plan(server.url + "a%7Eb/../c?d=e#f", 1, 1, engine=engine_under_test(), **options)
        answers(plan)
        assert b"".join(server.asked) == request_bytes(plan)


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        ANSWER.replace(b"\r\n", b"\n"),
        ANSWER.replace(b"Content-Length", b"X-A: a\r\n b\r\nContent-Length"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    ],
    ids=["plain", "line feeds only", "a folded header", "trailers", "HTTP/1.0"],
)
@both_engines
def test_a_connection_is_used_again_also_after_an_unusual_answer(answer: bytes) -> None:
    with serving(answer) as server:
        found = answers(Plan(server.url, 1, 1, engine=engine_under_test()), times=5)
        assert [(each.error, each.size) for each in found] == [("", 2)] * 5
        assert server.connections == 1


@both_engines
def test_a_connection_is_used_again_after_heads_without_a_body() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n") as server:
        found = answers(Plan(server.url, 1, 1, method="HEAD", engine=engine_under_test()), times=5)
        assert [(each.error, each.size) for each in found] == [("", 0)] * 5
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer", [ANSWER + b"more", ANSWER.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")]
)
@both_engines
def test_a_connection_is_not_used_again_after_more_than_an_answer_or_close(answer: bytes) -> None:
    with serving(answer) as server:
        found = answers(Plan(server.url, 1, 1, engine=engine_under_test()), times=3)
        assert [each.error for each in found] == [""] * 3
        assert server.connections == 3


@both_engines
def test_the_address_of_a_name_that_takes_connections_is_used() -> None:
    """`localhost` may be ::1 first, where nothing listens."""
    with serving() as server:
        plan = Plan(f"http://localhost:{server.port}/", 1, 1, engine=engine_under_test())
        assert [each.error for each in answers(plan, times=3)] == [""] * 3
        assert server.asked[0].split(b"\r\n")[1] == b"Host: localhost:%d" % server.port


@both_engines
def test_a_server_whose_certificate_is_known_is_asked_over_tls_and_another_is_not(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with serving(tls=context) as server:
        command = (sys.executable, "-m", "loadgen", server.url, "--rate=10", "--duration=1s", "--events")
        summaries = []
        for known in ({"SSL_CERT_FILE": str(tmp_path / "cert.pem")}, {}):
            told = subprocess.run(
                [*command, "--max-lateness=5s"], env={**os.environ, **known}, capture_output=True, check=True
            )
            assert told.stderr == b""
            summaries.append(json.loads(told.stdout.splitlines()[-1])["summary"])
        assert server.connections >= 1
    assert summaries[0]["status"] == {"200": 10}
    assert summaries[1]["errors_by_kind"] == {"connect": 10}
    assert "certificate verify failed" in summaries[1]["examples"]["connect"]


@both_engines
def test_a_name_that_is_not_known_is_no_connection() -> None:
    (answer,) = answers(Plan("http://no-such-host.invalid/", 1, 1, engine=engine_under_test()))
    assert answer.error == "connect"
    assert answer.why


def test_how_long_an_answer_was_here_before_it_was_read_is_told() -> None:
    """The loop stands still for half a second while the answer comes."""
    with serving() as server:
        server.seconds = 0.1
        found = answers(Plan(server.url, 1, 1, engine="httptools"), times=3, block=0.6)
    assert all(each.read_late_us >= 300_000 for each in found[1:]), found


def test_only_aiohttp_waits_for_100_continue_and_is_taken_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan("http://127.0.0.1:9/", 1, 1, headers=(("expect", "100-continue"),))
    assert engine_of(plan) == "aiohttp"
    assert main([plan.url, "--header", "Expect: 100-continue", "--engine", "httptools"]) == USAGE
    assert "only aiohttp does this" in capsys.readouterr().err


@both_engines
def test_an_answer_that_comes_again_is_told_again_and_one_that_differs_in_a_byte_is_not() -> None:
    """httptools' client does not read the same bytes twice."""
    bodies = [b"hi", b"hi", b"ho", b"hi", b"ho", b"hi!"]

    async def go(server: Server) -> list[Answer]:
        found = []
        plan = Plan(server.url, 1, 1, body_regex=re.compile(b"hi"), engine=engine_under_test())
        async with client_for(plan) as client:
            for body in bodies:
                length = b"X-Served-By: %b\r\nContent-Length: %d\r\n\r\n" % (body[:2], len(body))
                server.answer = b"HTTP/1.1 200 OK\r\n" + length + body
                answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                client.send(time.monotonic() + 10, time.monotonic() + 20, answer.set_result)
                found.append(await answer)
        return found

    with serving() as server:
        found = asyncio.run(go(server))
        assert server.connections == 1
    assert [each.served_by.encode() for each in found] == [body[:2] for body in bodies]
    assert [each.body_crc for each in found] == [f"{zlib.crc32(body):08x}" for body in bodies]
    assert [each.body_ok for each in found] == [b"hi" in body for body in bodies]
    assert [before.ended < after.ended for before, after in itertools.pairwise(found)] == [True] * 5


def test_a_request_that_is_answered_before_it_was_sent_whole_leaves_its_connection() -> None:
    """What is left of it must not come before the next request."""

    async def go() -> tuple[list[Answer], int]:
        connections = 0

        async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await writer.drain()
                await ended.wait()
            writer.close()

        ended, found = asyncio.Event(), []
        async with await asyncio.start_server(early, "127.0.0.1", 0, limit=1000) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            plan = Plan(url, 1, 1, method="POST", body=bytes(20_000_000), engine="httptools")
            async with client_for(plan) as client:
                for _ in range(2):
                    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                    client.send(time.monotonic() + 5, time.monotonic() + 20, answer.set_result)
                    found.append(await answer)
            ended.set()
            await asyncio.sleep(0.05)
        return found, connections

    found, connections = asyncio.run(go())
    assert [(each.error, each.status) for each in found] == [("", 413)] * 2
    assert connections == 2


@both_engines
def test_a_port_that_nobody_listens_at_and_then_somebody() -> None:
    """A refused connection leaves nothing behind that the next one would meet."""

    async def go() -> list[Answer]:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
            plan = Plan(f"http://127.0.0.1:{port}/", 1, 1, engine=engine_under_test())
            found = []
            async with client_for(plan) as client:
                for listens in (False, True):
                    if listens:
                        held.listen()
                    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                    client.send(time.monotonic() + 0.5, time.monotonic() + 20, answer.set_result)
                    found.append(await answer)
            return found

    refused, silent = asyncio.run(go())
    assert (refused.error, silent.error) == ("connect", "timeout")
