"""Whose failure an error is, and that each kind keeps one example; whatever breaks, nothing but events is printed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import json
import os
import resource
import socket
import socketserver
import struct
import sys
import threading
import time
from typing import Any

import aiohttp
import pytest

from loadgen.causes import kind_of, why_of
from loadgen.cli import INVALID, OK
from tests.support.loadgen_server import serving

pytestmark = pytest.mark.usefixtures("engine")


async def child(url: str, *options: str, files: int = 0, **popen: Any) -> tuple[int, dict[str, Any], str]:
    """`python -m loadgen` against `url`, with `files` open files at most: its code, its summary, standard error."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadgen", url, "--events", "--max-lateness=60s", *options),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=limit, **popen,
    )  # fmt: skip
    out, err = await process.communicate()
    summary: dict[str, Any] = json.loads(out.splitlines()[-1])["summary"]
    return process.returncode or 0, summary, err.decode()


def test_no_open_file_left_is_the_loaders_failure_and_the_run_is_invalid() -> None:
    """The process began with 60 files open, of 128 that it may have, and so could not know that 80 are too many."""

    async def go() -> tuple[int, dict[str, Any], str]:
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(60)]
        try:
            async with serving() as server:
                options = ("--duration=1s", "--rate=100", "--connections=90", "--timeout=2s")
                return await child(server.url + "/hang", *options, files=128, pass_fds=held)
        finally:
            for file in held:
                os.close(file)

    code, summary, _ = asyncio.run(go())
    assert code == INVALID
    assert summary["errors_by_kind"]["exhausted"] > 0
    assert "connect" not in summary["errors_by_kind"]
    assert "could not send" in summary["reason"]
    assert "raise ulimit -n" in summary["reason"]


@pytest.mark.parametrize(
    "number", [errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]
)
def test_what_the_loaders_machine_has_no_more_of_is_no_refused_connection(number: int) -> None:
    key: Any = None
    problem = aiohttp.ClientConnectorError(key, OSError(number, os.strerror(number)))
    problem.__cause__ = OSError(number, os.strerror(number))
    assert kind_of(problem) == "exhausted"
    assert "lower" in why_of(problem)


def test_each_kind_keeps_one_example() -> None:
    async def go() -> list[dict[str, Any]]:
        async with serving() as server:
            tls = server.url.replace("http:", "https:")
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
                return [
                    (await child(url, "--duration=100ms", "--timeout=300ms"))[1]["examples"]
                    for url in (tls, closed, server.url + "/hang", server.url + "/drip")
                ]

    no_tls, refused, silent, drips = asyncio.run(go())
    assert "SSL" in no_tls["connect"]
    assert "Connection refused" in refused["connect"] or "Connect call failed" in refused["connect"]
    assert silent == {"timeout": "no whole header within 0.3 s"}
    assert "bytes of a body within 0.3 s" in drips["timeout"]


BREAKS: list[bytes] = [
    b"",
    b"HTTP/1.1 2",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x28",
]


class Breaking(socketserver.BaseRequestHandler):
    """Answers one connection after the other in another broken way, and hangs up: half of them with a reset."""

    number = itertools.count()

    def handle(self) -> None:
        number = next(self.number)
        with contextlib.suppress(OSError):
            if number % 3:
                self.request.recv(10)
            self.request.sendall(BREAKS[number % len(BREAKS)])
            if number % 5 == 0:
                time.sleep(0.3)  # longer than the timeout
            if number % 2:
                linger = struct.pack("ii", 1, 0)
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_however_connections_break_nothing_but_events_is_printed(scheme: str) -> None:
    """No traceback, no "Future exception was never retrieved": each request's end is a row, and told there."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Breaking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            url = f"{scheme}://127.0.0.1:{server.server_address[1]}/"
            options = ("--rate=200", "--duration=1s", "--timeout=200ms", "--method=POST")
            code, summary, err = asyncio.run(child(url, *options))
        finally:
            server.shutdown()
    assert err == ""
    assert code in (OK, INVALID)
    assert summary["completed"] + summary["errors"] == 200
