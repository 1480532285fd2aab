"""One request over HTTP: send it, read the whole body, say what came."""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

from loadgen.causes import innermost, kind_of, why_of
from loadgen.plan import Plan
from loadgen.reading import LIMITS, HeaderTooLarge, header_text, reading_all
from loadgen.request import USER_AGENT, Kind, Request, as_written
from loadgen.result import Answer, Content

__all__ = [
    "BUFFER",
    "CLOCK_SECONDS",
    "IDLE_SECONDS",
    "LONGEST_NAME",
    "SHORT_BODY_SECONDS",
    "WHY_CUT",
    "Response",
    "Sender",
]

# Below Node's 5 s: an idle connection is dropped here before the server drops it, else the race between its
# close and our next request shows up as resets that no version of the service is to blame for.
IDLE_SECONDS = 4.0

LONGEST_NAME = 64  # characters of what names the server
# After the end of its phase a body has so long from its header on: one that came with it is whole by then.
SHORT_BODY_SECONDS = 0.1
CLOCK_SECONDS = 0.002  # the event loop's timers count in whole milliseconds
WHY_CUT = "its body was still coming after its phase had ended"

# However much comes, the schedule must not wait for it. Of the bodies larger than this one piece is read in a turn of
# the event loop. Where that makes the turn a long one, the bodies rest for as long; the servers wait with the others.
_LARGE = 1 << 16  # bytes
_LONG_TURN = 0.005  # seconds
BUFFER = 1 << 16  # bytes of a connection that are read ahead
# A body that is to be searched is kept until it is whole; while all of them hold so much, no large one is read on.
_MOST_KEPT = 1 << 28  # bytes
_LOOK_AGAIN_SECONDS = 0.05


class Response(Protocol):
    """An answer whose header is there."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> CIMultiDictProxy[str]: ...

    @property
    def content(self) -> aiohttp.StreamReader: ...

    @property
    def content_length(self) -> int | None: ...

    def close(self) -> None: ...


class Sender:
    """Sends a plan's requests over kept-alive connections. Use as `async with Sender(plan) as send`.

    No redirects, no cookies, no proxies, no retries: one call is one request. No compression is asked for and
    none is undone; `size`, CRC and regex are about the body's bytes as they came.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._one = plan.one()
        self._session: aiohttp.ClientSession | None = None
        self._turn = asyncio.Lock()
        self._kept = 0  # bytes of bodies that are not whole yet

    async def __aenter__(self) -> Sender:
        # One request's headers are the session's, which keeps names that differ in case alone.
        headers = None if self._plan.mix is not None else _headers(self._plan.headers)
        self._session = aiohttp.ClientSession(
            # The engine bounds the requests on the wire, and so the connections.
            connector=reading_all(
                aiohttp.TCPConnector(
                    limit=0,
                    keepalive_timeout=IDLE_SECONDS,
                    ttl_dns_cache=None,
                    **self._plan.network.connector(tls=self._plan.url.startswith("https:")),
                )
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            read_bufsize=BUFFER,
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "Content-Type"),
            auto_decompress=False,
            **LIMITS,
        )
        # aiohttp has no public switch for this: it silently repeats an idempotent request when a kept-alive
        # connection breaks, which hides the reset and makes the server count one request more than we do.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(
        self, deadline: float, body_by: float = math.inf, asked: Request | None = None
    ) -> Answer:
        """Send once and read the answer to its last byte, or give up.

        Never raises for what the network or the server does: that is in the answer.

        Args:
            deadline: When the whole answer must be there (monotonic clock, seconds).
            body_by: When a body that has begun must have ended, if that is sooner.
            asked: What is sent; None: the one request of the plan.
        """
        if self._session is None:
            raise RuntimeError("use Sender inside 'async with'")
        asked = asked or self._one
        opening = self._session.request(
            asked.method,
            as_written(asked.url),
            data=asked.body,
            headers=None if self._plan.mix is None else _headers(asked.headers),
            allow_redirects=False,
            **self._plan.network.request,
        )
        return await self.read(opening, deadline, body_by, asked.kind)

    async def read(
        self, opening: AbstractAsyncContextManager[Response], deadline: float, body_by: float, kind: Kind
    ) -> Answer:
        """Read the answer to what has been sent, as `__call__` does; `opening` gives it when its header is there."""
        seen = _Seen(deadline)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(deadline - time.monotonic()) as limit, opening as response:
                seen.status = response.status
                seen.served_by = response.headers.get(self._plan.served_by_header, "")
                if body_by < deadline:
                    left = max(body_by - time.monotonic(), SHORT_BODY_SECONDS)
                    limit.reschedule(min(loop.time() + left, limit.when() or math.inf))
                try:
                    await self._read(response, seen, kind)
                    return seen.whole(kind, response.headers)
                finally:
                    if not seen.ended:
                        response.close()
        except (TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError) as problem:
            return seen.broken(problem, self._plan)

    async def _read(self, response: Response, seen: _Seen, kind: Kind) -> None:
        """The body, piece by piece; one that is too large is not read on."""
        limit = self._plan.max_body
        if not response.content.at_eof() and (response.content_length or 0) > limit:
            raise _BodyTooLarge
        needed = kind.body_regex is not None or kind.brings_body
        keep = needed and response.status in kind.expect_status
        try:
            async for piece in response.content.iter_any():
                seen.add(piece, keep=keep)
                self._kept += len(piece) if keep else 0
                if seen.size > limit:
                    raise _BodyTooLarge
                if seen.size > _LARGE:
                    await self._pause(seen.size if keep else 0)
        finally:
            self._kept -= seen.size if keep else 0
        seen.ended = time.monotonic()

    async def _pause(self, kept: int) -> None:
        """Between two pieces of a large body, of which `kept` bytes are kept."""
        async with self._turn:
            began = time.monotonic()
            await asyncio.sleep(0)
            if (took := time.monotonic() - began) > _LONG_TURN:
                await asyncio.sleep(took)
            if self._kept > max(_MOST_KEPT, kept):
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _headers(given: Sequence[tuple[str, str]]) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict(given)
    headers.setdefault("User-Agent", USER_AGENT)
    return headers


class _BodyTooLarge(aiohttp.ClientError):
    """The body is larger than the plan reads."""


class _Seen:
    """What has come so far of one answer, that must be whole by `deadline`."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.status = self.size = 0
        self.served_by = ""
        self.ended = 0.0
        self._crc = 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes, *, keep: bool) -> None:
        self.size += len(piece)
        self._crc = zlib.crc32(piece, self._crc)
        if keep:
            self._pieces.append(piece)

    def whole(self, kind: Kind, headers: CIMultiDictProxy[str]) -> Answer:
        """The answer that has ended."""
        served_by = header_text(self.served_by)[:LONGEST_NAME]
        if self.status < 100:  # 000 and 099 get through aiohttp
            why = f"the status {self.status:03d}"
            return Answer(self.ended, error="protocol", served_by=served_by, why=why)
        body_ok, content = None, None
        if self.status in kind.expect_status and (kind.body_regex is not None or kind.brings_headers):
            body = b"".join(self._pieces)
            if kind.body_regex is not None:
                body_ok = kind.body_regex.search(body) is not None
            if kind.brings_headers:
                named = tuple((name, header_text(value)) for name, value in headers.items())
                content = Content(named, body if kind.brings_body else b"")
        return Answer(
            ended=self.ended,
            status=self.status,
            size=self.size,
            body_ok=body_ok,
            body_crc=f"{self._crc:08x}" if self.size else "",
            served_by=served_by,
            content=content,
        )

    def broken(self, problem: Exception, plan: Plan) -> Answer:
        """What is known of an answer that has not ended."""
        ended = time.monotonic()
        kind, why = kind_of(problem), why_of(problem)
        if isinstance(problem, _BodyTooLarge):
            kind, why = "oversize", f"a body of more than {plan.max_body:,} bytes (--max-body)"
        elif kind == "timeout":
            in_time = ended < self._deadline - CLOCK_SECONDS
            kind, why = ("cut", WHY_CUT) if self.status and in_time else ("timeout", self._how_far(plan))
        elif isinstance(header := innermost(problem), HeaderTooLarge) and not self.status:
            self.status, self.served_by = header.status, header.value(plan.served_by_header)
        served_by = header_text(self.served_by)[:LONGEST_NAME]
        return Answer(ended, self.status, kind, self.size, served_by=served_by, why=why)

    def _how_far(self, plan: Plan) -> str:
        came = f"{self.size:,} bytes of a body" if self.status else "no whole header"
        return f"{came} within {plan.timeout:g} s"
