"""One connection of the lean client: it writes the request's bytes, and httptools reads what comes.

httptools is llhttp, Node's parser, and strict. What it refuses is not refused yet: `Pool` has aiohttp's parser in
Python read the whole answer, which takes all that HAProxy and browsers take.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from loadgen.bodies import Judge
from loadgen.causes import kind_of, why_of
from loadgen.client import Done
from loadgen.reading import LIMITS, LONGEST_LINE, MOST_FRAMING, header_text
from loadgen.request import PLAIN, Kind, Request
from loadgen.result import Answer, Content
from loadgen.send import CLOCK_SECONDS, SHORT_BODY_SECONDS, WHY_CUT
from loadgen.turns import LARGE

if TYPE_CHECKING:
    from loadgen.pool import Pool

__all__ = ["Connection", "OfKind"]

_MOST_HEADERS = LIMITS["max_headers"]
_LARGE_REQUEST = 1 << 16  # bytes; the system may not take more at once
_RECENT = 4  # whole answers that are kept for comparison


class _Known(NamedTuple):
    """An answer that came in one piece, after which the connection was free: the same bytes are the same answer."""

    raw: bytes
    answer: Answer


class OfKind:
    """What is kept for requests of one kind.

    Attributes:
        judge: What it says of bodies.
        known: Recent answers: one that comes again, byte for byte, is not read again.
        without_body: Whether an answer has none (HEAD).
        brings: The statuses of which an answer has its headers with it.
    """

    __slots__ = ("brings", "judge", "known", "without_body")

    def __init__(self, kind: Kind) -> None:
        self.judge = Judge(kind)
        self.known: deque[_Known] = deque(maxlen=_RECENT)
        self.without_body = kind.method == "HEAD"
        self.brings = frozenset(kind.expect_status if kind.brings_headers else ())


class Connection(asyncio.Protocol):
    """Carries one request after the other.

    Attributes:
        number: Rises with each request's end: whoever looks later knows by it whether that is still on the way.
        idle_since: When the last answer had ended (monotonic clock, seconds).
        transport: None before the connection is there, and after its end.
        kind: Of its request, or of the last one.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.transport: asyncio.Transport | None = None
        self.number = 0
        self.idle_since = 0.0
        self.task: asyncio.Task[object] | None = None  # opens the connection, or reads an unusual answer
        self._done: Done | None = None
        self._parser = HttpResponseParser(self)
        self._body_timer: asyncio.TimerHandle | None = None
        self._sent = b""
        self.kind = PLAIN
        self._of_kind = pool.of_kind(PLAIN)
        self._reset(0.0, 0.0, None)

    def _reset(self, deadline: float, body_by: float, done: Done | None) -> None:
        self.deadline = deadline
        self.body_by = body_by
        self._done = done
        self.status = self.size = 0
        self._served_by = b""
        self._length: bytes | None = None
        self._connection = b""
        self._headers: list[tuple[bytes, bytes]] = []  # where they are needed
        self._framed = False  # whether the head says how long the body is
        self._head = self._whole = False
        self._lines = self._came = 0
        self._raw: list[bytes] = []  # the answer as it came, while another parser could read it instead
        self._pieces: list[bytes] = []  # of the body
        self._kept: list[bytes] = []  # pieces of a large one that is to be searched
        self._crc = 0
        self._keep_alive = False

    @property
    def usable(self) -> bool:
        """Whether a request may go out on it."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def raw(self) -> bytes:
        return b"".join(self._raw)

    @property
    def done(self) -> Done | None:
        """Who waits for an answer."""
        return self._done

    def begin(self, deadline: float, body_by: float, done: Done, asked: Request) -> None:
        """Send the request, now or as soon as the connection is there."""
        self._reset(deadline, body_by, done)
        self._sent = asked.raw
        if asked.kind is not self.kind:
            self.kind = asked.kind
            self._of_kind = self._pool.of_kind(asked.kind)
        if self.transport is not None:
            self.transport.write(self._sent)

    def again(self) -> None:
        """Be ready for the next request after another parser had the connection."""
        self._parser = HttpResponseParser(self)
        self._reset(0.0, 0.0, None)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        if self._done is not None:
            transport.write(self._sent)  # type: ignore[attr-defined]
        else:  # its request has ended meanwhile
            transport.abort()  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._done is None:  # nobody asked
            self.close()
            return
        if not self._came:
            for known in self._of_kind.known:
                if known.raw == data:
                    ended = time.monotonic()
                    late = self._pool.read_late_us(self)
                    self._end(known.answer._replace(ended=ended, read_late_us=late), ended)
                    return
        try:
            self._read(data)
        except Exception as problem:  # a defect: the run ends with it
            self._end(problem)

    def eof_received(self) -> bool:
        return False  # connection_lost follows

    def connection_lost(self, problem: Exception | None) -> None:
        self.transport = None
        self._pool.forget(self)
        if self._done is None:
            return
        try:
            if self._head and not self._framed and problem is None:
                self._finish()
            else:
                self._broke_off(problem)
        except Exception as defect:
            self._end(defect)

    # What httptools calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head:  # a trailer
            return
        self._lines += 1
        if self._of_kind.brings:
            self._headers.append((name, value))
        length = len(name)
        if length == self._pool.name_length and not self._served_by and name.lower() == self._pool.served_by:
            self._served_by = value.strip()
        if length == 14 and name.lower() == b"content-length":
            self._length = value
            self._framed = True
        elif length == 17 and name.lower() == b"transfer-encoding":
            self._framed = value.strip().lower().endswith(b"chunked")
        elif length == 10 and name.lower() == b"connection":
            self._connection = value.lower()

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and status != 101 and status >= 100:  # the answer itself is still to come
            self._served_by = b""
            self._length = None
            self._framed = False
            self._headers.clear()
            return
        self._head = True
        self.status = status
        self._keep_alive = self._parser.should_keep_alive()
        if self._of_kind.without_body:  # httptools cannot be told
            self._whole = True
            if not self._framed:
                version = self._parser.get_http_version()
                self._keep_alive = version == "1.1" and b"close" not in self._connection

    def on_body(self, piece: bytes) -> None:
        if self._whole:
            self._keep_alive = False
        else:
            self.size += len(piece)
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        if self._head and not self._whole:
            self._whole = True
        elif self._head:  # a second answer, that nobody asked for
            self._keep_alive = False

    # Reading.

    def _read(self, data: bytes) -> None:
        self._came += len(data)
        raw = self._raw
        if raw or not self._head:
            raw.append(data)
        try:
            self._parser.feed_data(data)
        except HttpParserCallbackError as problem:  # ours, and not a wrong answer
            raise problem.__context__ or problem from None
        except (HttpParserError, HttpParserUpgrade) as problem:
            if not self._whole:
                self._refused(problem)
                return
            self._keep_alive = False  # what follows the answer's end
        if self._raw and (self._lines > _MOST_HEADERS or self._came > LONGEST_LINE) and self._long_head():
            self._pool.read_otherwise(self)  # it has the words for it
        elif self._whole:
            self._finish()
        elif self._head:
            self._go_on_with_body()

    def _long_head(self) -> bool:
        if not self._head or self._lines > _MOST_HEADERS:
            return True
        return self.raw.find(b"\r\n\r\n") > LONGEST_LINE

    def _refused(self, problem: Exception) -> None:
        if self._raw:
            self._pool.read_otherwise(self)
        else:
            self.fail("protocol", f"a body that is not as HTTP has it ({type(problem).__name__})")

    def _go_on_with_body(self) -> None:
        if self._too_large():
            return
        if self._came > 2 * LONGEST_LINE + MOST_FRAMING * self.size:
            self.fail("oversize", f"more than {LONGEST_LINE:,} bytes beside the body")
            return
        if self.size > LARGE:
            self._raw.clear()
            self._fold()
            self._pause()
        if self._body_timer is None and self.body_by < self.deadline:
            now = time.monotonic()
            left = min(max(self.body_by - now, SHORT_BODY_SECONDS), max(self.deadline - now, 0))
            self._body_timer = self._pool.loop.call_later(left, self.expire)

    def _too_large(self) -> bool:
        limit = self._pool.plan.max_body
        said = 0 if self._whole or self._length is None else int(self._length)
        if self.size <= limit and said <= limit:
            return False
        if said > limit:
            self.size = 0  # it is not read at all
        self.fail("oversize", f"a body of more than {limit:,} bytes (--max-body)")
        return True

    def _fold(self) -> None:
        """Of a large body its pieces are counted, and kept only where they are to be searched."""
        for piece in self._pieces:
            self._crc = zlib.crc32(piece, self._crc)
        if self._of_kind.judge.keeps(self.status):
            self._kept += self._pieces
            self._pool.turns.kept += sum(map(len, self._pieces))
        self._pieces.clear()

    def _pause(self) -> None:
        transport, number = self.transport, self.number
        if transport is None or transport.is_closing():
            return
        transport.pause_reading()

        def go_on() -> None:
            if self.number == number and not transport.is_closing():
                transport.resume_reading()

        self._pool.turns.wait(go_on, self.size if self._kept else 0)

    # Ends.

    def _finish(self) -> None:
        """The answer is whole."""
        ended = time.monotonic()
        if self._too_large():
            return
        if self.status < 100:
            self.fail("protocol", f"the status {self.status:03d}")
            return
        if self._crc or self._kept:
            self._fold()
            body = b"".join(self._kept)
            crc, found = f"{self._crc:08x}", self._of_kind.judge.found(self.status, body)
        else:
            pieces = self._pieces
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            crc, found = self._of_kind.judge.crc_and_found(self.status, body)
        late = self._pool.read_late_us(self) if self.size <= LARGE else -1
        content = self._content(body) if self.status in self._of_kind.brings else None
        answer = Answer(ended, self.status, "", self.size, found, crc, self._name(), "", late, content)
        if self._of_kind.without_body:
            self._parser = HttpResponseParser(self)  # the old one waits for a body
        elif self._keep_alive and len(self._raw) == 1 and self.size <= LARGE:
            self._of_kind.known.appendleft(_Known(self._raw[0], answer))
        self._end(answer, ended if self._keep_alive else None)

    def _content(self, body: bytes) -> Content:
        headers = tuple((_text(name), _text(value.strip())) for name, value in self._headers)
        return Content(headers, body if self.kind.brings_body else b"")

    def _name(self) -> str:
        return self._pool.name(self._served_by) if self._served_by else ""

    def expire(self) -> None:
        """Its time is over."""
        if self._done is None:
            return
        if self._head and time.monotonic() < self.deadline - CLOCK_SECONDS:
            self.fail("cut", WHY_CUT)
        else:
            came = f"{self.size:,} bytes of a body" if self._head else "no whole header"
            self.fail("timeout", f"{came} within {self._pool.plan.timeout:g} s")

    def fail(self, error: str, why: str) -> None:
        """There is no whole answer."""
        answer = Answer(time.monotonic(), self.status, error, self.size, served_by=self._name(), why=why)
        self._end(answer)

    def _broke_off(self, problem: Exception | None) -> None:
        if isinstance(problem, OSError) and kind_of(problem) == "exhausted":
            self.fail("exhausted", why_of(problem))
            return
        before = f"after {self.size:,} bytes of a body" if self._head else "before the answer"
        self.fail("reset", f"the connection ended {before}" + (f": {why_of(problem)}" if problem else ""))

    def give(self, defect: Exception) -> None:
        """This program failed."""
        self._end(defect)

    def _end(self, answer: Answer | Exception, idle_since: float | None = None) -> None:
        """Tell who waits; the connection is of further use from `idle_since` on, or is closed."""
        done = self._done
        self.leave()
        if self._kept:
            self._pool.turns.kept -= sum(map(len, self._kept))
            self._kept = []
        if idle_since is not None and self.usable and not self._still_writes():
            self.idle_since = idle_since
            self._pool.rest(self)
        else:
            self.close()
        if done is not None:
            done(answer)

    def _still_writes(self) -> bool:
        """Whether a part of the request is still here, though the answer has come."""
        return bool(
            len(self._sent) > _LARGE_REQUEST
            and self.transport is not None
            and self.transport.get_write_buffer_size()
        )

    def leave(self) -> None:
        """Nobody waits for its answer any more."""
        self._done = None
        self.number += 1
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def close(self) -> None:
        """End it, and what it was still to write."""
        if self.task is not None:
            self.task.cancel()
            self.task = None
        if self.transport is not None:
            self.transport.abort()
            self.transport = None
        self._pool.forget(self)


def _text(raw: bytes) -> str:
    return header_text(raw.decode("utf-8", "surrogateescape"))
