"""What of an answer is read: all that HAProxy and browsers read, within limits no service comes near.

aiohttp's parser in C refuses more than they do (bytes after the answer's end, quoted chunk extensions, a length given
twice), and where it refuses in the middle of a body the reader waits until its timeout. The one in Python, of the same
package, reads these; it costs 25 us of CPU an answer more.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import HttpResponseParserPy, RawResponseMessage
from aiohttp.streams import StreamReader

__all__ = [
    "LIMITS",
    "LONGEST_LINE",
    "MOST_FRAMING",
    "HeaderTooLarge",
    "handler",
    "header_text",
    "reading_all",
]

# HAProxy takes 16 KiB of headers (tune.bufsize), curl 300, Chrome 256, all of them hundreds of lines. aiohttp's own
# limits (8,190 bytes a line, 128 lines) are below what services send, such as a long Content-Security-Policy.
LONGEST_LINE = 1 << 20  # bytes, and of a whole header as well
_MOST_HEADERS = 10_000
LIMITS: dict[str, Any] = {  # of aiohttp.ClientSession
    "max_line_size": LONGEST_LINE,
    "max_field_size": LONGEST_LINE,
    "max_headers": _MOST_HEADERS,
}

_PIECE = 1 << 14  # bytes; aiohttp's parser copies all that it was given for each chunk that is in it
MOST_FRAMING = 16  # bytes of chunk lines and trailers for each byte of a body, in chunks of one byte

_LENGTH = b"content-length"
_OLD_WEBSOCKET = b"sec-websocket-key1"

_Connector = TypeVar("_Connector", bound=aiohttp.BaseConnector)


class HeaderTooLarge(BadHttpMessage):
    """A header (or what stands between the chunks of a body) that is longer than any service's, or has no end.

    Attributes:
        status: HTTP status; 0 where the first line had not ended.
        lines: What came of the header, the first line left out.
    """

    def __init__(self, lines: list[bytes]) -> None:
        super().__init__(f"more than {LONGEST_LINE:,} bytes or {_MOST_HEADERS:,} lines beside the body")
        words = lines[0].split() if lines else []
        self.status = int(words[1]) if len(words) > 1 and re.fullmatch(rb"[1-5]\d\d", words[1]) else 0
        self.lines = lines[1:]

    def value(self, name: str) -> str:
        """The value of the first header of this name among what came; empty without one."""
        for line in self.lines:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode("utf-8", "surrogateescape")
        return ""


def header_text(value: str) -> str:
    """A header's value as text that any file takes: its bytes are UTF-8, or else Latin-1 as HTTP once had it.

    >>> header_text("bl\\udce9"), header_text("gr\\u00fcn")
    ('blé', 'grün')
    """
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


class _Parser(HttpResponseParserPy):
    """Reads one answer. What follows its end closes the connection, and is no reason to refuse the answer."""

    _begun = _answered = False
    _came = 0  # bytes
    _body: StreamReader | None = None

    def feed_data(self, data: bytes, *given: Any, **named: Any) -> Any:
        if not self._begun and (start := data.lstrip(b"\r\n")[:5]):
            self._begun = True
            if not b"HTTP/".startswith(start):  # else the end of a head would be waited for
                raise BadHttpMessage("what came does not begin as HTTP does")
        self._came += len(data)
        messages = []
        for at in range(0, max(len(data), 1), _PIECE):
            found = self._feed(data[at : at + _PIECE], *given, **named)
            messages += found[0]
        if self._body is not None and self._came > 2 * LONGEST_LINE + MOST_FRAMING * self._body.total_bytes:
            self._body.set_exception(HeaderTooLarge([]))
        return messages, *found[1:]

    def _feed(self, data: bytes, *given: Any, **named: Any) -> Any:
        try:
            found = super().feed_data(data, *given, **named)
        except BadHttpMessage as problem:
            if isinstance(problem, LineTooLong) or problem.message.startswith("Too many headers"):
                raise HeaderTooLarge(self._lines) from None
            raise
        for _, self._body in found[0]:
            pass
        if (
            self._answered
            and self._payload_parser is None
            and self._tail
            and isinstance(self.protocol, ResponseHandler)
        ):
            self.protocol.force_close()
        if not self._answered and self._came > LONGEST_LINE:
            raise HeaderTooLarge(self._lines)
        return found

    def parse_message(self, lines: list[bytes]) -> RawResponseMessage:
        if self._answered:  # a second message in the queue makes aiohttp close the connection
            return super().parse_message([b"HTTP/1.1 204 after the end", b""])
        message = super().parse_message(_one_length(lines))
        self._answered = message.code >= 200 or message.code == 101
        if message.should_close and isinstance(self.protocol, ResponseHandler):
            self.protocol.force_close()
            return _kept_open(message)  # else any byte after the end is an error
        return message


def _kept_open(message: RawResponseMessage) -> RawResponseMessage:
    return RawResponseMessage(
        version=message.version,
        code=message.code,
        reason=message.reason,
        headers=message.headers,
        raw_headers=message.raw_headers,
        should_close=False,
        compression=message.compression,
        upgrade=message.upgrade,
        chunked=message.chunked,
    )


def _one_length(lines: list[bytes]) -> list[bytes]:
    """The lines of a head with at most one length, as RFC 9112 (6.3) has it: chunks count more than a Content-Length.

    >>> _one_length([b"HTTP/1.1 200", b"Content-Length: 2, 2", b"content-length: 2"])
    [b'HTTP/1.1 200', b'Content-Length: 2']
    """
    names = [line.partition(b":")[0].lower() for line in lines]
    if _OLD_WEBSOCKET not in names and _LENGTH not in names:
        return lines
    given = [line.partition(b":")[2] for name, line in zip(names, lines, strict=True) if name == _LENGTH]
    lengths = {part.strip() for text in given for part in text.split(b",")}
    if len(lengths) > 1:
        raise BadHttpMessage("Content-Length is given twice, and not the same")
    kept = [
        line
        for name, line in zip(names, lines, strict=True)
        if name not in (_LENGTH, _OLD_WEBSOCKET)  # aiohttp refuses a header of the old websockets
    ]
    if lengths and b"transfer-encoding" not in names:
        kept.insert(1, b"Content-Length: " + lengths.pop())
    return kept


class _Handler(ResponseHandler):
    """One connection, whose answers `_Parser` reads."""

    def set_response_params(self, **given: Any) -> None:
        super().set_response_params(**given)
        self._parser = _Parser(
            self,
            self._loop,
            given["read_bufsize"],
            timer=given["timer"],
            payload_exception=aiohttp.ClientPayloadError,
            response_with_body=not given["skip_payload"],
            read_until_eof=given["read_until_eof"],
            auto_decompress=given["auto_decompress"],
            max_line_size=given["max_line_size"],
            max_field_size=given["max_field_size"],
            max_headers=given["max_headers"],
        )


def handler(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    """A protocol of aiohttp for one connection; to be used with LIMITS."""
    return _Handler(loop=loop)


def reading_all(connector: _Connector) -> _Connector:
    """The same connector, whose connections read all that HAProxy and browsers read.

    aiohttp has no public switch for its parser. To be used with a session that has LIMITS.
    """
    factory: Callable[[], ResponseHandler] = functools.partial(handler, connector._loop)
    connector._factory = factory  # type: ignore[assignment]
    return connector
