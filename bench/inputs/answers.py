"""Random raw HTTP/1.1 answers on loopback: what the loader makes of each, beside curl.

    python -m bench.inputs.answers [--count 3000] [--seed 1] [--haproxy PATH]

Each answer is put together from a random framing, body, head and way of breaking, and sent in random packets. The two
disagree where one has a whole answer and the other has not, or status, length or body differ. `odd` names what curl
alone takes or refuses (ODD says why); those answers are counted on a line of their own. With --haproxy the
same answers go through HAProxy as in a canary.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from tabulate import tabulate

from loadgen.plan import Plan
from loadgen.result import Answer
from loadgen.send import Sender

__all__ = ["ODD", "Raw", "differences", "generate"]

_AT_ONCE: Final = 4
_SECONDS: Final = 5.0

ODD: Final = {
    "head cut off": "curl takes a head without its end for a whole answer; HAProxy answers 502, browsers an error",
    "name with a space": "curl takes any name of a header; HAProxy answers 502",
    "two lengths": "curl takes the last of two different lengths; HAProxy answers 502, browsers an error",
    "length with a sign": "curl reads +2 as 2; HAProxy answers 502",
    "bare CR": "curl takes a CR within a header; HAProxy answers 502",
    "HTTP/1.2": "curl refuses the version; HAProxy and browsers take it",
    "switching": "curl reads on after 101, which nobody asked for; HAProxy answers 502",
}
_REASONS: Final = (b" OK", b" ", b"", b" caf\xe9", b" a\tb", b" " + b"r" * 9_000, b" I'm a teapot (really)")
_ENCODINGS: Final = (b"gzip", b"br", b"zstd", b"deflate", b"x-own", b"gzip, br", b"\xe9")
_EXTENSIONS: Final = (b"", b"", b";a=b", b";a", b"  ", b' ; a="b;c"', b";a b=(c)", b";" + b"e" * 500)


@dataclass(frozen=True, slots=True)
class Raw:
    """One answer as it goes over the wire, in packets; `kind` for the table, `odd` a key of ODD or empty."""

    packets: tuple[bytes, ...]
    kind: str
    odd: str


def generate(seed: int) -> Raw:
    """The answer number `seed`."""
    pick = random.Random(seed)  # noqa: S311 - repeatable, not secret
    body = pick.randbytes(pick.choice((0, 1, 2, 50, 5_000, 70_000)))
    status = pick.choice((200, 200, 200, 201, 204, 205, 206, 301, 304, 404, 418, 500, 503, 599, 777))
    headers = _headers(pick)
    framing = pick.choice(
        ("length", "length", "chunked", "chunked", "until close", "length twice", "both", "not chunked last")
    )
    payload = body
    if framing == "length":
        headers.append(b"Content-Length:" + b" " * pick.randint(0, 3) + b"%d" % len(body))
    elif framing == "length twice":
        headers += [b"Content-Length: %d" % len(body)] * 2
    elif framing == "chunked":
        headers.append(pick.choice((b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED")))
        payload = _chunked(pick, body)
    elif framing == "both":
        headers += [b"Content-Length: 7", b"Transfer-Encoding: chunked"]
        payload = _chunked(pick, body)
    elif framing == "not chunked last":
        headers.append(b"Transfer-Encoding: identity")
    pick.shuffle(headers)
    version = pick.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"))
    broken = pick.choice(
        ("",) * 8 + ("extra", "cut", "garbage", "chunk", "status", "NUL", "no colon", "early", *ODD)
    )
    if broken == "name with a space":
        headers.append(b"X Y: a")
    elif broken == "two lengths":
        headers = [b"Content-Length: 1", b"Content-Length: 2"]
        payload = body = b"ab"
        status = 200
    elif broken == "length with a sign":
        headers, payload, status = [b"Content-Length: +2"], b"ab", 200
    elif broken == "bare CR":
        headers.append(b"X-A: a\rb")
    elif broken == "NUL":
        headers.append(b"X-A: a\x00b")
    elif broken == "no colon":
        headers.insert(0, b"nonsense")
    elif broken == "HTTP/1.2":
        version = b"HTTP/1.2"
    elif broken == "switching":
        status = 101
    elif broken == "chunk":
        headers, payload, status = [b"Transfer-Encoding: chunked"], b"2\r\nab\r\nzz\r\n", 200
    code = pick.choice((b"abc", b"99", b"1000", b"000")) if broken == "status" else b"%d" % status
    end = pick.choice((b"\r\n", b"\r\n", b"\r\n", b"\n"))
    head = version + b" " + code + pick.choice(_REASONS) + end + b"".join(h + end for h in headers) + end
    if broken == "early":
        head = (
            pick.choice((b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100\r\n\r\n")) * 2
            + head
        )
    whole = head + payload
    if broken == "extra" and framing.startswith("length"):
        whole += pick.choice((b"more", b"\r\n", b"HTTP/1.1 500 No\r\n\r\n", b"a\r\nb\r\n\r\n"))
    elif broken == "cut" and payload and status == 200:
        whole = head + payload[: pick.randint(0, len(payload) - 1)]
    elif broken == "head cut off":
        whole = head[: pick.randint(len(version) + 5, len(head) - 1)]
    elif broken == "garbage":
        whole = pick.choice((b"SSH-2.0-dropbear\r\n", b"", b"<html>no head</html>", b"\x16\x03\x01\x02\x00"))
    return Raw(
        _packets(pick, whole), f"{framing}, {broken}" if broken else framing, broken if broken in ODD else ""
    )


def _headers(pick: random.Random) -> list[bytes]:
    possible: list[list[bytes]] = [
        [b"Content-Type: text/html; charset=utf-8"],
        [b"X-Served-By: blue"],
        [b"Content-Security-Policy: " + b"a" * pick.choice((100, 9_000, 15_000))],
        [b"X-%d: a" % number for number in range(pick.choice((5, 150, 400)))],
        [b"X-Latin: caf\xe9\xff", b"X-Utf: \xc3\xbc"],
        [b"X-Empty:", b"X-Blank:   "],
        [b"X-Fold: a", b"  b", b"\tc"],
        [b"Set-Cookie: a=b; expires=never", b"Set-Cookie: ===", b"Set-Cookie: a"],
        [b"Content-Encoding: " + pick.choice(_ENCODINGS)],
        [pick.choice((b"Connection: close", b"Connection: keep-alive", b"connection: x,, close"))],
        [b"Server: a", b"Server: b", b"Content-Type: ;;;"],
        [b"Upgrade: h2c", b"Sec-WebSocket-Key1: a"],
    ]
    chosen = pick.sample(possible, pick.randint(0, 4))
    # One line after the other is kept together: what begins with a space goes on with the line before.
    return [
        b"\r\n".join(lines) if lines[0].startswith(b"X-Fold") else line for lines in chosen for line in lines
    ]


def _chunked(pick: random.Random, body: bytes) -> bytes:
    parts, at = [], 0
    while at < len(body):
        size = pick.randint(1, max(1, len(body) // 3))
        part = body[at : at + size]
        number = pick.choice((b"%x", b"%X", b"000%x")) % len(part)
        parts.append(number + pick.choice(_EXTENSIONS) + b"\r\n" + part + b"\r\n")
        at += size
    trailers = pick.choice(([], [], [b"X-T: a"], [b"X-%d: a" % n for n in range(50)], [b"Content-Length: 7"]))
    return b"".join(parts) + b"0\r\n" + b"".join(line + b"\r\n" for line in trailers) + b"\r\n"


def _packets(pick: random.Random, whole: bytes) -> tuple[bytes, ...]:
    cuts = sorted(pick.randint(0, len(whole)) for _ in range(pick.randint(0, 3)))
    return tuple(
        whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if end > start
    )


@contextlib.asynccontextmanager
async def _serving(answers: dict[int, Raw]) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            for number, packet in enumerate(answers[int(head.split()[1][1:])].packets):
                await asyncio.sleep(0.001 if number else 0)
                writer.write(packet)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield int(server.sockets[0].getsockname()[1])


_CONFIG: Final = """
defaults
    mode http
    option http-server-close
    http-reuse never
    retries 0
    timeout connect 2s
    timeout server 4s
    timeout client 60s
listen service
    bind 127.0.0.1:{port}
    server blue 127.0.0.1:{behind}
"""


@contextlib.asynccontextmanager
async def _through(haproxy: str, behind: int, directory: Path) -> AsyncIterator[int]:
    async with await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0) as unused:
        port = int(unused.sockets[0].getsockname()[1])
    config = directory / "haproxy.cfg"
    config.write_text(_CONFIG.format(port=port, behind=behind))
    process = await asyncio.create_subprocess_exec(haproxy, "-f", str(config))
    try:
        await asyncio.sleep(1)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _ours(url: str) -> Answer:
    async with Sender(Plan(url, rate=1, duration=1)) as send:
        return await send(time.monotonic() + _SECONDS)


async def _curl(url: str, file: Path) -> tuple[int, int, str] | None:
    """Status, length and CRC of the body as curl has them; None where curl ends with an error."""
    words = ("curl", "-s", "--http1.1", "-m", f"{_SECONDS:g}", "-o", str(file), "-w", "%{http_code}", url)
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    told, _ = await process.communicate()
    body = _taken(file)
    if process.returncode:
        return None
    return int(told), len(body), f"{zlib.crc32(body):08x}" if body else ""


def _taken(file: Path) -> bytes:
    body = file.read_bytes() if file.exists() else b""
    file.unlink(missing_ok=True)
    return body


async def differences(answers: dict[int, Raw], haproxy: str | None = None) -> list[tuple[int, str]]:
    """The numbers of the answers about which the loader and curl disagree, each with what the two say."""
    found: list[tuple[int, str]] = []
    turn = asyncio.Semaphore(_AT_ONCE)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)

        async def compare(number: int, port: int) -> None:
            async with turn:
                url = f"http://127.0.0.1:{port}/{number}"
                ours, theirs = await asyncio.gather(_ours(url), _curl(url, directory / str(number)))
            mine = None if ours.error else (ours.status, ours.size, ours.body_crc)
            if mine != theirs:
                found.append((number, f"ours {ours.error or mine} {ours.why}, curl {theirs or 'an error'}"))

        async with contextlib.AsyncExitStack() as stack:
            port = await stack.enter_async_context(_serving(answers))
            if haproxy is not None:
                port = await stack.enter_async_context(_through(haproxy, port, directory))
            await asyncio.gather(*(compare(number, port) for number in answers))
    return sorted(found)


@click.command()
@click.option("--count", default=3000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--haproxy", help="The program; the answers then go through it.")
def main(count: int, seed: int, haproxy: str | None) -> None:
    """Compare, print the table, and exit with 1 where the two disagree about an answer that is not odd."""
    answers = {number: generate(number) for number in range(seed, seed + count)}
    found = asyncio.run(differences(answers, haproxy))
    odd = Counter(answers[number].odd for number, _ in found)
    plain = [(number, said) for number, said in found if not answers[number].odd]
    total = Counter(answer.odd for answer in answers.values())
    rows = [("plain", total[""], odd[""])] + [(name, total[name], odd[name]) for name in ODD]
    print(tabulate(rows, headers=("answers", "count", "curl and the loader disagree")))
    for number, said in plain[:20]:
        print(f"{number} ({answers[number].kind}): {said}")
    sys.exit(1 if plain else 0)


if __name__ == "__main__":
    main()
