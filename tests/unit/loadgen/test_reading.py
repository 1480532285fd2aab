"""Answers as services give them, raw: what is read, and that the rest is the loader's failure, with a reason."""

from __future__ import annotations

import asyncio
import csv
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from loadgen.cells import plain
from loadgen.plan import Plan
from loadgen.record import Recorder
from loadgen.run import run
from tests.support.loadgen_engines import engine_under_test

pytestmark = pytest.mark.usefixtures("engine")

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def load(
    packets: list[bytes], target: str = "/", recorder: Recorder | None = None, **options: Any
) -> tuple[dict[str, Any], list[bytes]]:
    """The summary of one request that is answered with `packets`, and the request lines that came."""
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        for packet in packets[:-1]:
            writer.write(packet)
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.write(packets[-1])
        writer.close()

    async def go() -> dict[str, Any]:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{target}"
            plan = Plan(
                **{
                    "engine": engine_under_test(),
                    "url": url,
                    "rate": 50,
                    "duration": 0.01,
                    "max_lateness": 60.0,
                    **options,
                }
            )
            return await run(plan, recorder or Recorder(), lambda _: None, signals=())

    return asyncio.run(go()), asked


@pytest.mark.parametrize(
    ("packets", "status", "size"),
    [
        ([OK + b"Content-Security-Policy: " + b"a" * 9_000 + b"\r\nContent-Length: 2\r\n\r\nhi"], 200, 2),
        ([OK + b"X: a\r\n" * 500 + b"Content-Length: 2\r\n\r\nhi"], 200, 2),
        ([b"HTTP/1.1 200 " + b"r" * 10_000 + b"\r\nContent-Length: 2\r\n\r\nhi"], 200, 2),
        ([b"HTTP/1.1 200\r\nX-A: caf\xe9\r\nContent-Length: 2\r\n\r\nhi"], 200, 2),
        ([OK + b"X-A: a\r\n  b\r\nContent-Length: 2\r\n\r\nhi"], 200, 2),
        ([b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" * 2 + OK + b"Content-Length: 2\r\n\r\nhi"], 200, 2),
        ([b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi"], 204, 0),
        ([b"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"], 304, 0),
        ([OK + b"Content-Length: 2\r\n\r\nhi and more\r\n\r\n"], 200, 2),
        ([OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi and more\r\n\r\n"], 200, 2),
        ([OK + b"\r\nhe", b"llo"], 200, 5),
        ([OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"], 200, 2),
        ([OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"], 200, 2),
        ([CHUNKED, b'2;a="b;c" ; d\r\nhi\r\n', b"0;x\r\n\r\n"], 200, 2),
        ([CHUNKED, b"2\r\nhi\r\n0\r\n", b"X: a\r\n" * 300 + b"Content-Length: 7\r\n\r\n"], 200, 2),
        ([OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"], 200, 2),
        ([OK + b"Content-Encoding: x-own\xe9\r\nContent-Length: 2\r\n\r\nhi"], 200, 2),
    ],
)
def test_what_haproxy_and_browsers_read_is_a_whole_answer(
    packets: list[bytes], status: int, size: int
) -> None:
    summary, _ = load(packets)
    assert summary["errors_by_kind"] == {}
    assert (summary["status"], summary["bytes"]) == ({str(status): 1}, size)
    assert summary["valid"]


@pytest.mark.parametrize(
    ("packets", "why"),
    [
        ([OK + b"Set Cookie: secret\r\n\r\n"], "a header that is not valid"),
        ([OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi"], "Content-Length is given twice"),
        ([CHUNKED, b"2\r\nhi\r\n", b"secret\r\nhi\r\n"], "a chunk that is not valid"),
        ([CHUNKED, b"2\r\nhi\r\n0\r\n", b"secret\r\n\r\n"], "a header that is not valid"),
        ([b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"], "the status 099"),
        ([b"SSH-2.0-dropbear\r\n"], "what came does not begin as HTTP does"),
    ],
)
def test_what_is_not_read_makes_the_run_invalid_and_says_why(packets: list[bytes], why: str) -> None:
    """Nothing of the answer itself is in the reason: it may be a cookie."""
    summary, _ = load(packets)
    assert summary["errors_by_kind"] == {"protocol": 1}
    assert summary["valid"] is False
    assert summary["reason"].startswith(f"the loader could not read 1 answer: {why}")
    assert "secret" not in str(summary)


@pytest.mark.parametrize(
    "packets", [[OK + b"Content-Length: 9\r\n\r\nhi"], [CHUNKED, b"5\r\nhi"], [OK[:9]], [b""]]
)
def test_what_breaks_off_is_the_server_s_and_the_run_stays_valid(packets: list[bytes]) -> None:
    summary, _ = load(packets)
    assert (summary["errors_by_kind"], summary["valid"]) == ({"reset": 1}, True)


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/a%7Eb/%3a/../x/./y?q=%7e&[b]|c", "/a%7Eb/%3a/../x/./y?q=%7e&[b]|c"),
        ("/v1/models/half:predict", "/v1/models/half:predict"),
        ("/users/@me", "/users/@me"),
        ("//a//b;c='d'?", "//a//b;c='d'?"),
        ("/files/a%20b.txt#part", "/files/a%20b.txt"),
        ("?q=/a", "/?q=/a"),
        ("", "/"),
    ],
)
def test_the_path_and_the_query_are_sent_byte_for_byte(target: str, sent: str) -> None:
    _, asked = load([OK + b"Content-Length: 0\r\n\r\n"], target)
    assert asked == [f"GET {sent} HTTP/1.1".encode()]


def test_the_body_of_each_right_status_is_checked() -> None:
    created = [b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi"]
    regex = re.compile(b"bye")
    assert load(created, body_regex=regex, expect_status=(200, 201))[0]["wrong_bodies"] == 1
    assert load(created, body_regex=regex)[0]["wrong_bodies"] == 0


@pytest.mark.parametrize(
    "packets",
    [
        [OK + b"X-Served-By: green\r\nX: " + b"a" * 1_100_000 + b"\r\n\r\n"],
        [OK + b"X-Served-By: green\r\n" + b"X: a\r\n" * 10_100 + b"\r\n"],
        [OK + b"X-Served-By: green\r\n" + (b"X: " + b"a" * 1_000 + b"\r\n") * 2_000],
        [OK + b"X-Served-By: green\r\n" + b"X" * 1_100_000],
        [CHUNKED[:-2] + b"X-Served-By: green\r\n\r\n0\r\n" + (b"X: " + b"a" * 10_000 + b"\r\n") * 400],
    ],
    ids=["a line", "lines", "bytes", "a line without an end", "trailers"],
)
def test_a_header_without_end_is_the_server_s_fault_and_what_it_began_with_is_kept(
    packets: list[bytes], tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "requests.csv")
    summary, _ = load(packets, recorder=recorder)
    recorder.close()
    assert (summary["errors_by_kind"], summary["valid"]) == ({"oversize": 1}, True)
    assert summary["served_by"] == {"green": 1}
    assert "200,oversize" in (tmp_path / "requests.csv").read_text()


def test_any_bytes_in_any_header_are_a_row_and_never_a_traceback(tmp_path: Path) -> None:
    """A server's name of `bl`, 0xE9 ended the loader when the record was written."""
    kept, log = tmp_path / "requests.csv", tmp_path / "latency.hlog"
    names = [
        b"Content-Type",
        b"Set-Cookie",
        b"Connection",
        b"Content-Encoding",
        b"Location",
        b"Upgrade",
        b"Link",
    ]
    for number, byte in enumerate(range(256)):
        value = b'a"b,' + bytes([byte]) + b" z"
        header = b"X-Served-By: " + value + b"\r\n" + names[number % len(names)] + b": " + value + b"\r\n"
        recorder = Recorder(kept, log)
        summary, _ = load([OK + header + b"Content-Length: 2\r\n\r\nhi"], recorder=recorder)
        recorder.close()
        with kept.open(newline="", encoding="utf-8") as file:
            (row,) = csv.DictReader(file)
        if byte in b"\0\r\n":  # no header's value
            continue
        assert (summary["completed"], plain(row["served_by"])) == (1, value.decode("latin-1")), byte
        assert log.read_bytes().count(b"Tag=") == 1


@pytest.mark.parametrize("size", [1, 1000, 16_384, 100_000])
def test_a_large_body_is_read_as_it_was_sent_in_whatever_chunks(size: int, tmp_path: Path) -> None:
    """It is read a piece at a time, so that the schedule does not wait for it."""
    body = bytes(range(256)) * (40 if size == 1 else 8_000) + b"end"
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(part), part)
        for part in (body[at : at + size] for at in range(0, len(body), size))
    )
    kept = tmp_path / "requests.csv"
    recorder = Recorder(kept)
    summary, _ = load([CHUNKED + chunks + b"0\r\n\r\n"], recorder=recorder, body_regex=re.compile(b"\xffend"))
    recorder.close()
    with kept.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (summary["completed"], summary["bytes"], row["body_ok"]) == (1, len(body), "1")
    assert row["body_crc"] == f"{zlib.crc32(body):08x}"
