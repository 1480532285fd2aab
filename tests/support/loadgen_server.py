"""A real HTTP server on loopback for the loader's tests, with a route for each way a server can behave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from multidict import CIMultiDict

__all__ = ["Server", "on_loopback", "serving"]

_ROUTES = ("ok", "broken", "hang", "cut", "slow", "reset", "moved", "huge", "endless", "drip", "named")


class Server:
    """`url` is its root; `seen` holds the headers of each request to /ok; `stall` holds its answers back."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[CIMultiDict[str]] = []
        self._open = asyncio.Event()
        self._open.set()

    async def stall(self, seconds: float) -> None:
        self._open.clear()
        await asyncio.sleep(seconds)
        self._open.set()

    async def ok(self, request: web.Request) -> web.Response:
        self.seen.append(CIMultiDict(request.headers))
        body = await request.read()
        await self._open.wait()
        colour = "blue" if len(self.seen) % 2 else "green"
        return web.Response(body=b"<html>\nhello " + body + b"</html>", headers={"X-Served-By": colour})

    async def broken(self, _: web.Request) -> web.Response:
        return web.Response(status=500, text="no")

    async def named(self, _: web.Request) -> web.Response:
        return web.Response(headers={"X-Name": "bl\u00e9"})

    async def hang(self, _: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError("the client waited a minute")

    async def cut(self, request: web.Request) -> web.StreamResponse:
        """Promise 100 bytes, send 4, hang up."""
        response = await self._begun(request)
        assert request.transport is not None
        request.transport.close()
        return response

    async def slow(self, request: web.Request) -> web.StreamResponse:
        """Promise 100 bytes, send 4, say nothing more."""
        await self._begun(request)
        return await self.hang(request)

    async def huge(self, request: web.Request) -> web.StreamResponse:
        """40 MB, as its header says."""
        return await self._pour(request, {"Content-Length": "40000000"}, 40)

    async def endless(self, request: web.Request) -> web.StreamResponse:
        """Pieces of a body without end, as fast as they are taken."""
        return await self._pour(request, {}, 1_000_000)

    async def _pour(self, request: web.Request, headers: dict[str, str], pieces: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={**headers, "X-Served-By": "green"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(pieces):
                await response.write(bytes(1_000_000))
        return response

    async def drip(self, request: web.Request) -> web.StreamResponse:
        """A byte every 50 ms, without end."""
        response = web.StreamResponse(headers={"X-Served-By": "green"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.05)
        return response

    async def _begun(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100", "X-Served-By": "green"})
        await response.prepare(request)
        await response.write(b"half")
        return response

    async def reset(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def moved(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/ok")


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    for name in _ROUTES:
        app.router.add_route("*", f"/{name}", getattr(server, name))
    async with on_loopback(app) as url:
        server.url = url
        yield server


@asynccontextmanager
async def on_loopback(app: web.Application) -> AsyncIterator[str]:
    """The address at which the application is served, for as long as the block lasts."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
