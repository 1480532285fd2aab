"""Answers of every shape, with each engine and beside curl."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from loadgen.choice import client_for
from loadgen.plan import Plan
from loadgen.result import Answer
from tests.support.answer_shapes import SHAPES, Shape
from tests.support.loadgen_engines import engine_under_test

_T = TypeVar("_T")


def answered(shape: Shape, ask: Callable[[str], Awaitable[_T]]) -> _T:
    """What `ask` makes of one answer of this shape."""

    async def go() -> _T:
        ended = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            with contextlib.suppress(ConnectionError):  # whoever has read enough hangs up
                for packet in shape.packets:
                    writer.write(packet)
                    await writer.drain()
                    await asyncio.sleep(0.005)
                writer.close()
                await writer.wait_closed()
            ended.set()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            result = await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            await ended.wait()
            return result

    return asyncio.run(go())


async def loaded(url: str, method: str) -> Answer:
    plan = Plan(url, 1, 1, method=method, engine=engine_under_test())
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    async with client_for(plan) as client:
        deadline = asyncio.get_running_loop().time() + 10
        client.send(deadline, deadline, answer.set_result)
        told: Answer = await answer
        return told


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_read_alike_with_each_engine(name: str) -> None:
    shape = SHAPES[name]
    answer = answered(shape, lambda url: loaded(url, shape.method))
    assert answer.error == shape.error, answer.why
    if not shape.error:
        crc = f"{zlib.crc32(shape.body):08x}" if shape.body else ""
        assert (answer.status, answer.size, answer.body_crc) == (shape.status, len(shape.body), crc)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("name", SHAPES)
def test_curl_says_the_same_but_for_what_the_docs_name(name: str, tmp_path: Path) -> None:
    shape, out = SHAPES[name], tmp_path / "body"
    head = ("--head",) if shape.method == "HEAD" else ()

    async def ask(url: str) -> tuple[int, str]:
        told = ("--silent", "--max-time", "10", *head, "--output", str(out), "--write-out", "%{http_code}")
        child = await asyncio.create_subprocess_exec("curl", *told, url, stdout=asyncio.subprocess.PIPE)
        said, _ = await child.communicate()
        return child.returncode or 0, said.decode()

    code, status = answered(shape, ask)
    body = out.read_bytes() if out.exists() and not head else b""
    same = code != 0 if shape.error else (code, status, body) == (0, str(shape.status), shape.body)
    assert same is shape.as_curl, (code, status, body)
