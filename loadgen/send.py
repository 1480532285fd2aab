"""One request over HTTP: send it, read the whole body, say what came."""

from __future__ import annotations

import re
import time
import zlib
from types import TracebackType

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError, InvalidHeader, LineTooLong, TransferEncodingError
from multidict import CIMultiDict
from yarl import URL

from loadgen.plan import Plan
from loadgen.reading import LIMITS, LONGEST_LINE, reading_all
from loadgen.result import Answer

__all__ = ["USER_AGENT", "Sender"]

USER_AGENT = "pipeline-loadgen"

# Below Node's 5 s: an idle connection is dropped here before the server drops it, else the race between its
# close and our next request shows up as resets that no version of the service is to blame for.
_IDLE_SECONDS = 4.0


class Sender:
    """Sends a plan's request over a bounded pool of connections. Use as `async with Sender(plan) as send`.

    No redirects, no cookies, no proxies, no retries: one call is one request. No compression is asked for and
    none is undone; `size`, CRC and regex are about the body's bytes as they came.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._url = _as_written(plan.url)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Sender:
        headers: CIMultiDict[str] = CIMultiDict(self._plan.headers)
        headers.setdefault("User-Agent", USER_AGENT)
        self._session = aiohttp.ClientSession(
            # Bounded: without a limit a late response makes the client open one more connection, and so on.
            connector=reading_all(
                aiohttp.TCPConnector(
                    limit=self._plan.connections, keepalive_timeout=_IDLE_SECONDS, ttl_dns_cache=None
                )
            ),
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

    async def __call__(self, deadline: float) -> Answer:
        """Send once and read the answer to its last byte, or give up at `deadline` (monotonic seconds).

        Never raises for what the network or the server does: that is in the answer.
        """
        if self._session is None:
            raise RuntimeError("use Sender inside 'async with'")
        left = deadline - time.monotonic()
        if left <= 0:  # aiohttp would read 0 as "no timeout"
            return Answer(time.monotonic(), error="timeout")
        served_by = ""
        try:
            async with self._session.request(
                self._plan.method,
                self._url,
                data=self._plan.body,
                allow_redirects=False,
                # the threshold keeps aiohttp from rounding long timeouts up to whole seconds
                timeout=aiohttp.ClientTimeout(total=left, ceil_threshold=float("inf")),
            ) as response:
                served_by = self._served_by(response)
                body = await response.read()
                return self._judge(time.monotonic(), response, body)
        except (aiohttp.ClientError, HttpProcessingError, OSError) as problem:
            kind = _kind_of(problem)
            why = _why(problem) if kind == "protocol" else ""
            return Answer(time.monotonic(), error=kind, served_by=served_by, why=why)

    def _served_by(self, response: aiohttp.ClientResponse) -> str:
        return response.headers.get(self._plan.served_by_header, "")[:64]

    def _judge(self, ended: float, response: aiohttp.ClientResponse, body: bytes) -> Answer:
        if response.status < 100:  # 000 and 099 get through aiohttp
            why = f"the status {response.status:03d}"
            return Answer(ended, error="protocol", served_by=self._served_by(response), why=why)
        body_ok = None
        if self._plan.body_regex is not None and response.status in self._plan.expect_status:
            body_ok = self._plan.body_regex.search(body) is not None
        return Answer(
            ended=ended,
            status=response.status,
            size=len(body),
            body_ok=body_ok,
            body_crc=f"{zlib.crc32(body):08x}" if body else "",
            served_by=self._served_by(response),
        )


def _kind_of(problem: Exception) -> str:
    """Which of ERRORS an exception from aiohttp is.

    >>> _kind_of(TimeoutError())
    'timeout'
    """
    if isinstance(problem, TimeoutError):
        return "timeout"
    if isinstance(problem, aiohttp.ClientConnectorError | aiohttp.ClientSSLError):
        return "connect"
    if isinstance(problem, aiohttp.ServerDisconnectedError | OSError):
        return "reset"
    # ClientPayloadError: the connection ended before the body did, or the body is not as HTTP has it
    return "reset" if isinstance(problem, aiohttp.ClientPayloadError) and _cut_short(problem) else "protocol"


def _innermost(problem: BaseException) -> BaseException:
    """The parser's own exception, which aiohttp wraps in its own."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return problem


def _cut_short(problem: BaseException) -> bool:
    cause = _innermost(problem)
    return not isinstance(cause, HttpProcessingError) or cause.message.startswith("Not enough data")


def _why(problem: BaseException) -> str:
    """What aiohttp could not read, in a few words; nothing of the answer itself, which may hold a cookie.

    >>> _why(InvalidHeader(b"Set-Cookie: secret"))
    'a header that is not valid'
    """
    cause = _innermost(problem)
    if isinstance(cause, LineTooLong):
        return f"a line of more than {LONGEST_LINE:,} bytes"
    if isinstance(cause, InvalidHeader):
        return "a header that is not valid"
    if isinstance(cause, TransferEncodingError):
        return "a chunk that is not valid"
    text = str(getattr(cause, "message", "") or cause)
    said = re.split(r"[\r\n]|\bb['\"]", text, maxsplit=1)[0].strip(" :")
    return said[:100] or type(cause).__name__


def _as_written(url: str) -> URL:
    """The address with path and query byte for byte as they are written: yarl would write `%7E` and `..` its own way.

    >>> _as_written("http://h/a%7Eb/../%3a?").raw_path_qs
    '/a%7Eb/../%3a?'
    """
    after = url.partition("://")[2].partition("#")[0]
    start = min((at for at in map(after.find, "/?") if at >= 0), default=len(after))
    target = after[start:]
    return URL(url).origin().with_path(target if target.startswith("/") else f"/{target}", encoded=True)
