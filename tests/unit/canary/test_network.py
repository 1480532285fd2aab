"""The probes on the hosts, run by the bash of this machine against real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import cast

import pytest

from pipeline.canary.network import NetworkProbe
from pipeline.canary.profile import Profile
from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import Connection
from pipeline.runs.phases import COLOURS, Phase

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
REQUEST = {
    "method": "POST",
    "path": "/preview",
    "query": "a=%7e",
    "headers": {"X-Token": "it's \\a 100% $secret", "Content-Type": "text/plain"},
    "body": 'zwei\nZeilen \x00 für\t"alle"\n',
}

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Row = tuple[str, str, float]


class Here:
    """A connection to this machine: what is started on it is started here."""

    def __init__(self, name: str, started: list[Sequence[str]]) -> None:
        self.host = Host(name, "127.0.0.1", 22, "vagrant", None)
        self._started = started

    @contextlib.asynccontextmanager
    async def started(
        self, command: Sequence[str]
    ) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
        self._started.append(command)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout
        finally:
            process.stdin.close()
            await process.wait()


def probed(
    serve: Serve | None,
    phases: Sequence[Phase],
    until: Callable[[list[Row]], bool],
    path: str = "/json",
    unanswered: list[int] | None = None,
) -> tuple[list[Row], list[Sequence[str]]]:
    """The rows until they are as wanted, for a service that is `serve`; None: nothing listens at its port.

    `unanswered` gets what the probe says of the canary after each row.
    """
    rows: list[Row] = []
    commands: list[Sequence[str]] = []
    enough = asyncio.Event()
    probe: NetworkProbe

    def write(_: float, arm: str, metric: str, value: float) -> None:
        rows.append((arm, metric, value))
        if unanswered is not None:
            unanswered.append(probe.unanswered["canary"])
        if until(rows):
            enough.set()

    async def go() -> None:
        nonlocal probe
        server = await asyncio.start_server(serve or refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if serve is None:
            server.close()
        profile = Profile.model_validate({"name": "x", "start": ["run"], "port": port, "request": REQUEST})
        connections = {arm: cast(Connection, Here(arm, commands)) for arm in (*COLOURS, "proxy")}
        probe = NetworkProbe(connections, profile, dict.fromkeys(COLOURS, path))
        run = asyncio.create_task(probe.run(time.monotonic(), phases, write))
        async with asyncio.timeout(60):
            await enough.wait()
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        server.close()
        await asyncio.sleep(0.1)  # what is still connected sees that nobody is there

    asyncio.run(go())
    return rows, commands


async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def values(rows: list[Row], metric: str, arm: str = "canary") -> list[float]:
    return [value for whose, what, value in rows if (whose, what) == (arm, metric)]


CANARY = (Phase("canary", "measure", 0, 60),)


def test_the_request_on_the_host_is_the_loader_s_own_byte_for_byte() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            seen.append(head + await reader.readexactly(len(REQUEST["body"].encode())))  # type: ignore[attr-defined]
            writer.write(OK)
        writer.close()

    metrics = ("request_on_host", "connect_from_proxy")
    rows, commands = probed(serve, CANARY, lambda rows: all(values(rows, metric) for metric in metrics))
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /json?a=%7e HTTP/1.1"
    assert "X-Token: it's \\a 100% $secret" in lines
    assert "Host: 127.0.0.1:8080" in lines
    assert lines[-1] == "Connection: close"
    assert body.decode() == REQUEST["body"]
    assert 0 < values(rows, "request_on_host")[0] < 5
    assert 0 < values(rows, "connect_from_proxy")[0] < 5
    assert not [word for command in commands for word in command if "secret" in word]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (OK, True),
        (b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100_000, True),
        (b"HTTP/1.1 500 Internal\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.1 999999999999999999999999\r\n\r\n", False),
        (b"SSH-2.0-x $(id) `id`\r\n", False),
        (b"", False),
    ],
)
def test_what_is_no_good_answer_is_none(answer: bytes, right: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b'"alle"')
            writer.write(answer)
            await writer.drain()
        writer.close()

    rows, _ = probed(serve, CANARY, lambda rows: bool(values(rows, "request_on_host")))
    assert (values(rows, "request_on_host")[0] < float("inf")) is right


def test_a_service_that_never_ends_its_answer_is_given_up() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b'"alle"')
            writer.write(OK.replace(b"Length: 2", b"Length: 9999999"))
            await reader.read()
        writer.close()

    rows, _ = probed(drip, CANARY, lambda rows: bool(values(rows, "request_on_host")))
    assert values(rows, "request_on_host") == [float("inf")]


def test_where_nothing_listens_neither_way_has_an_answer() -> None:
    both = ("request_on_host", "connect_from_proxy")
    rows, _ = probed(None, CANARY, lambda rows: all(values(rows, metric) for metric in both))
    assert set(values(rows, "request_on_host") + values(rows, "connect_from_proxy")) == {float("inf")}


def test_how_many_in_a_row_had_no_answer_on_the_host_is_counted() -> None:
    asked = 0

    async def every_third(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b'"alle"')
            asked += 1
            writer.write(OK if asked == 3 else b"HTTP/1.1 500 Internal\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    counted: list[int] = []
    probed(every_third, CANARY, lambda rows: len(values(rows, "request_on_host")) == 4, unanswered=counted)
    assert max(counted) == 3
    assert counted[-1] == 1
    assert 0 in counted[counted.index(3) :]


def test_a_version_is_asked_only_while_it_carries_load_and_connected_to_always() -> None:
    phases = (Phase("baseline", "measure", 0, 3), Phase("canary", "measure", 3, 60))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b'"alle"')
            writer.write(OK)
        writer.close()

    rows, _ = probed(serve, phases, lambda rows: len(values(rows, "request_on_host")) >= 2)
    asked = [arm for arm, metric, _ in rows if metric == "request_begun"]
    assert asked.index("canary") == asked.count("baseline") > 0
    assert len(values(rows, "connect_from_proxy", "baseline")) >= asked.count("baseline")


def test_before_the_load_the_proxy_connects_to_both() -> None:
    async def go() -> dict[str, float]:
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            profile = Profile.model_validate(
                {"name": "x", "start": ["run"], "port": port, "request": REQUEST}
            )
            connections = {arm: cast(Connection, Here(arm, [])) for arm in (*COLOURS, "proxy")}
            return await NetworkProbe(connections, profile, dict.fromkeys(COLOURS, "/json")).before()

    taken = asyncio.run(go())
    assert set(taken) == set(COLOURS)
    assert all(0 < seconds < 5 for seconds in taken.values())
