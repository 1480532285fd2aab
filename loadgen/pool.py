"""The lean client: connections of httptools' protocol, kept and used again, and no task a request.

What costs is what happens for each request, so that is little: bytes that are always the same are made once, one timer
looks after all deadlines, and a body that comes again is judged once. It behaves as the client of aiohttp does
(`loadgen/send.py`): same bytes, same limits, same words; the tests hold both to that.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections import deque
from types import TracebackType
from typing import Any

from loadgen.causes import kind_of, why_of
from loadgen.client import Done
from loadgen.connection import Connection, OfKind
from loadgen.plan import Plan
from loadgen.reading import header_text
from loadgen.request import Kind, Request, as_written
from loadgen.send import IDLE_SECONDS, LONGEST_NAME, Sender
from loadgen.turns import Turns
from loadgen.unusual import Unusual

__all__ = ["Pool"]

_ASKED_A_SECOND = 200  # of so many answers: for how long they were here before they were read
_TCP_INFO = 11  # Linux; of its struct tcp_info:
_LAST_DATA = slice(52, 56)  # tcpi_last_data_recv, milliseconds
_FEW_DEADLINES = 10_000
_NEXT_ADDRESS_SECONDS = (
    0.25  # after so long without an answer the host's next address is tried, as RFC 8305 has it
)
_MOST_NAMES = 256  # of servers, whose text is kept


class Pool:
    """A client of kept-alive connections, the last used first. Use as `async with Pool(plan) as client`.

    Attributes:
        plan: What is sent.
        served_by: The name of the header that names the server, in lower case.
        name_length: Its length.
        turns: Lets large bodies wait for each other.
        loop: The running event loop.
    """

    loop: asyncio.AbstractEventLoop
    turns: Turns

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._one = plan.one()
        self._of_kind: dict[Kind, OfKind] = {}
        self.served_by = plan.served_by_header.lower().encode()
        self.name_length = len(self.served_by)
        url = as_written(plan.url)
        self._host, self._port = url.host or "", url.port
        self._network = plan.network
        self._tls = self._network.context() if url.scheme == "https" else None
        self._addresses: list[tuple[Any, ...]] | None = None
        self._looking_up: asyncio.Task[list[tuple[Any, ...]]] | None = None
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._deadlines: deque[tuple[float, Connection, int]] = deque()
        self._most_deadlines = _FEW_DEADLINES
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._finished = 0
        self._every = max(1, round(plan.rate / _ASKED_A_SECOND))
        self._names: dict[bytes, str] = {}
        self._other = Sender(plan)

    async def __aenter__(self) -> Pool:
        self.loop = asyncio.get_running_loop()
        self.turns = Turns(self.loop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()
        self.turns.close()
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        await asyncio.sleep(0)  # the transports' own last steps

    def send(self, deadline: float, body_by: float, done: Done, asked: Request | None = None) -> None:
        """See Client."""
        asked = asked or self._one
        connection = self._rested()
        if connection is None:
            connection = Connection(self)
            self._all.add(connection)
            connection.begin(deadline, body_by, done, asked)
            connection.task = self.loop.create_task(self._open(connection))
        else:
            connection.begin(deadline, body_by, done, asked)
        self._keep_deadline(deadline, connection)
        if len(self._deadlines) > self._most_deadlines:
            self._drop_past_ends()
        if self._sweep_timer is None:
            self._sweep_timer = self.loop.call_later(max(0.0, deadline - time.monotonic()), self._sweep)

    def abort(self) -> None:
        for connection in tuple(self._all):
            connection.leave()
            connection.close()
        self._all.clear()
        self._idle.clear()
        self._deadlines.clear()

    # What connections ask.

    def read_late_us(self, connection: Connection) -> int:
        """For how long the last bytes on a connection have been here: asked for a part of the answers, else -1."""
        self._finished += 1
        transport = connection.transport
        if self._finished % self._every or transport is None or self._tls:
            return -1
        try:
            said = transport.get_extra_info("socket").getsockopt(
                socket.IPPROTO_TCP, _TCP_INFO, _LAST_DATA.stop
            )
            return int.from_bytes(said[_LAST_DATA], sys.byteorder) * 1000
        except (AttributeError, OSError):  # not Linux
            return -1

    def rest(self, connection: Connection) -> None:
        """It is free for the next request."""
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """It has ended."""
        self._all.discard(connection)

    def of_kind(self, kind: Kind) -> OfKind:
        """What is kept for requests of a kind."""
        found = self._of_kind.get(kind)
        if found is None:
            found = self._of_kind[kind] = OfKind(kind)
        return found

    def name(self, value: bytes) -> str:
        """A header's value as the server's name."""
        known = self._names.get(value)
        if known is None:
            known = header_text(value.decode("utf-8", "surrogateescape"))[:LONGEST_NAME]
            if len(self._names) < _MOST_NAMES:
                self._names[value] = known
        return known

    def read_otherwise(self, connection: Connection) -> None:
        """Let aiohttp's parser read the answer that httptools refuses."""
        transport, done, raw = connection.transport, connection.done, connection.raw
        if transport is None or done is None:
            return
        deadline, body_by, kind = connection.deadline, connection.body_by, connection.kind
        connection.leave()
        unusual = Unusual(transport, raw, kind.method)

        async def go_on() -> None:
            answer: Any
            try:
                answer = await self._other.read(unusual, deadline, body_by, kind)
            except Exception as defect:
                answer = defect
            connection.task = None
            if unusual.reusable and not transport.is_closing():
                connection.again()
                transport.set_protocol(connection)
                connection.idle_since = time.monotonic()
                self.rest(connection)
            else:
                connection.close()
            done(answer)

        connection.task = self.loop.create_task(go_on())

    # Its own.

    def _rested(self) -> Connection | None:
        """A connection that may be used at once; those that are too old for it are closed."""
        idle = self._idle
        if not idle:
            return None
        oldest = time.monotonic() - IDLE_SECONDS
        while idle and (idle[0].idle_since < oldest or not idle[0].usable):
            idle.popleft().close()
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
        return None

    def _keep_deadline(self, deadline: float, connection: Connection) -> None:
        """In their order, which is that of the calls but where a step is due between requests that are late."""
        deadlines = self._deadlines
        at = len(deadlines)
        while at and deadlines[at - 1][0] > deadline:
            at -= 1
        deadlines.insert(at, (deadline, connection, connection.number))
        if not at and self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None

    def _drop_past_ends(self) -> None:
        """Forget what has ended long before its deadline: with a long timeout these would fill the memory."""
        self._deadlines = deque(each for each in self._deadlines if each[1].number == each[2])
        self._most_deadlines = 2 * len(self._deadlines) + _FEW_DEADLINES

    def _sweep(self) -> None:
        """End what has had its time, and set the timer for what comes next."""
        deadlines, now = self._deadlines, time.monotonic()
        while deadlines:
            deadline, connection, number = deadlines[0]
            if connection.number == number:
                if deadline > now:
                    break
                connection.expire()
            deadlines.popleft()
        self._sweep_timer = None
        if deadlines:
            left = max(0.001, deadlines[0][0] - now)
            self._sweep_timer = self.loop.call_later(left, self._sweep)

    async def _open(self, connection: Connection) -> None:
        try:
            await self._connect(connection)
            connection.task = None
        except OSError as problem:
            kind = kind_of(problem)
            connection.task = None
            connection.fail("connect" if kind in ("reset", "timeout") else kind, why_of(problem))
        except Exception as defect:
            connection.task = None
            connection.give(defect)

    async def _connect(self, connection: Connection) -> None:
        """To the first of the host's addresses that takes it; that one is the first from then on."""
        addresses = self._addresses or await self._look_up()
        for at, (family, _, protocol, _, address) in enumerate(addresses):
            last = at == len(addresses) - 1
            try:
                async with asyncio.timeout(None if last else _NEXT_ADDRESS_SECONDS):
                    await self.loop.create_connection(
                        lambda: connection,
                        address[0],
                        address[1],
                        family=family,
                        proto=protocol,
                        ssl=self._tls,
                        server_hostname=(self._network.sni or self._host) if self._tls else None,
                        local_addr=self._network.local,
                    )
            except OSError as problem:  # a TimeoutError, too
                if last or kind_of(problem) == "exhausted":
                    raise
            else:
                if at:
                    self._addresses = addresses[at:] + addresses[:at]
                return

    async def _look_up(self) -> list[tuple[Any, ...]]:
        """The host's addresses, asked for once; after a failure again."""
        if self._looking_up is None or self._looking_up.done():
            host = self._network.address or self._host
            asking = self.loop.getaddrinfo(host, self._port, type=socket.SOCK_STREAM)
            self._looking_up = asyncio.ensure_future(asking)
            self._looking_up.add_done_callback(lambda task: task.cancelled() or task.exception())
        found = await asyncio.shield(self._looking_up)
        self._addresses = self._addresses or found
        return self._addresses
