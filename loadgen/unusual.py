"""An answer that httptools refuses, read by aiohttp's parser in Python from its first byte on."""

from __future__ import annotations

import asyncio
from types import TracebackType

import aiohttp
from aiohttp.helpers import TimerNoop
from multidict import CIMultiDict, CIMultiDictProxy

from loadgen.reading import LIMITS, handler
from loadgen.send import BUFFER

__all__ = ["Unusual"]


class Unusual:
    """The answer on a connection of which `raw` has come so far. Use as `async with`: then its header is there.

    Attributes:
        reusable: Whether the connection may carry another request, after the end.
    """

    def __init__(self, transport: asyncio.Transport, raw: bytes, method: str) -> None:
        self._handler = handler(asyncio.get_running_loop())
        self._handler.set_response_params(
            timer=TimerNoop(),
            skip_payload=method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=BUFFER,
            **LIMITS,
        )
        transport.pause_reading()
        transport.set_protocol(self._handler)
        self._handler.connection_made(transport)
        self._transport = transport
        self._raw = raw
        self.reusable = False
        self.status = 0
        self.headers: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
        self.content: aiohttp.StreamReader = aiohttp.EMPTY_PAYLOAD

    @property
    def content_length(self) -> int | None:
        text = self.headers.get("Content-Length")
        return None if text is None else int(text)

    async def __aenter__(self) -> Unusual:
        asyncio.get_running_loop().call_soon(
            self._feed
        )  # what is wrong with it is told in full only to who waits
        while True:
            message, self.content = await self._handler.read()
            if not 100 <= message.code < 200 or message.code == 101:
                break
        self.status, self.headers = message.code, message.headers
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reusable = kind is None and not self._handler.should_close
        self._handler.transport = None  # what happens to it later is not this answer's

    def _feed(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()
        self._handler.data_received(self._raw)

    def close(self) -> None:
        self._transport.abort()
