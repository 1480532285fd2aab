"""Whether a service is there: asked at its own path as it is written, and at its health path where it has one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from pipeline.base.errors import ServiceError
from pipeline.canary.probe import Instance, probe
from pipeline.canary.profile import Profile
from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import Connection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LEAST = {"name": "x", "start": ["run"], "port": 8000, "request": {"path": "/users/@me", "query": "a=%7e"}}


class Here:
    """A connection whose service is a socket on this machine."""

    def __init__(self, socket: Path) -> None:
        self.host = Host("green", "10.0.0.3", 22, "vagrant", None)
        self._socket = socket

    def socket(self, _: str) -> Path:
        return self._socket

    async def journal(self, *_: object, **__: object) -> str:
        return "Error: no database"


def ask(tmp_path: Path, answer: Callable[[str, int], bytes], **profile: object) -> tuple[Instance, list[str]]:
    """What the probe finds where a request for a path is given `answer(path, how many came before)`."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        writer.write(answer(target, len(asked)))
        asked.append(target)
        await writer.drain()
        writer.close()

    async def go() -> Instance:
        socket = tmp_path / "service"
        async with await asyncio.start_unix_server(serve, socket):
            return await probe(cast(Connection, Here(socket)), Profile.model_validate(LEAST | profile))

    return asyncio.run(go()), asked


def test_the_request_is_asked_at_its_path_as_it_is_written(tmp_path: Path) -> None:
    assert ask(tmp_path, lambda *_: OK) == (Instance("/users/@me", 200), ["/users/@me?a=%7e"])


def test_the_health_path_is_asked_until_it_is_right_and_then_the_request(tmp_path: Path) -> None:
    def answer(target: str, before: int) -> bytes:
        return OK if before or target != "/healthz" else b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"

    found, asked = ask(tmp_path, answer, health={"path": "/healthz"})
    assert found.status == 200
    assert asked == ["/healthz", "/healthz", "/users/@me?a=%7e"]


def test_a_service_that_stays_unwell_is_told_with_its_status(tmp_path: Path) -> None:
    health = {"path": "/healthz", "status": [200, 204]}
    with pytest.raises(ServiceError, match="answered 404 at its health path /healthz"):
        ask(tmp_path, lambda *_: b"HTTP/1.1 404 No\r\n\r\n", health=health, start_timeout="10ms")


def test_an_answer_that_cannot_be_read_is_an_answer(tmp_path: Path) -> None:
    found, _ = ask(tmp_path, lambda *_: b"HTTP/1.1 200 OK\r\nX Y: a\r\n\r\n")
    assert found == Instance("/users/@me", 0)


def test_a_long_header_is_read(tmp_path: Path) -> None:
    found, _ = ask(tmp_path, lambda *_: OK[:-2] + b"X: " + b"a" * 9_000 + b"\r\n\r\n")
    assert found.status == 200
