"""A real HTTP server on loopback that knows its users: a log-in gives a cookie and a token, and reading wants both."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.support.loadgen_server import on_loopback

__all__ = ["SessionServer", "serving_sessions"]


class SessionServer:
    """`url` is its root; `seen` has each request in words; what it answers may be changed while it runs.

    - `status`: of a log-in
    - `token`: the JSON member that has the token
    - `seconds`: that each answer takes
    """

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[str] = []
        self.status = 201
        self.token = "token"
        self.seconds = 0.0
        self._users: dict[str, str] = {}
        self._numbers = itertools.count(1)

    async def log_in(self, request: web.Request) -> web.Response:
        given = await request.json()
        self.seen.append(
            f"log in {given['user']}/{given['password']} cookie={request.headers.get('Cookie', '')}"
        )
        await asyncio.sleep(self.seconds)
        number = next(self._numbers)
        self._users[f"s{number}"] = given["user"]
        answer = web.json_response({"user": {"ids": [number]}, self.token: f"t/{number}"}, status=self.status)
        answer.headers["X-Csrf"] = f"c{number}"
        answer.headers.add("Set-Cookie", f"sid=s{number}; Path=/; HttpOnly; Secure")
        answer.headers.add("Set-Cookie", "elsewhere=1; Path=/elsewhere")
        return answer

    async def orders(self, request: web.Request) -> web.Response:
        """Of the user whose cookie and token it has; 401 for any other."""
        number, sent = request.match_info["number"], request.headers
        await asyncio.sleep(self.seconds)
        right = {
            "Cookie": f"sid=s{number}",
            "Authorization": f"Bearer t/{number}",
            "X-Csrf": f"c{number}",
        }
        user = self._users.get(f"s{number}", "")
        self.seen.append(f"orders {user}")
        if any(sent.get(name) != value for name, value in right.items()):
            return web.Response(status=401, text=str(dict(sent)))
        return web.Response(text=f"orders of {user}")

    async def log_out(self, request: web.Request) -> web.Response:
        self.seen.append(f"log out cookie={request.headers.get('Cookie', '')}")
        answer = web.Response()
        answer.del_cookie("sid")
        return answer

    async def bye(self, request: web.Request) -> web.Response:
        self.seen.append(f"bye cookie={request.headers.get('Cookie', '')}")
        return web.Response()


@asynccontextmanager
async def serving_sessions() -> AsyncIterator[SessionServer]:
    server = SessionServer()
    app = web.Application()
    app.router.add_post("/login", server.log_in)
    app.router.add_get("/users/{number}/orders", server.orders)
    app.router.add_post("/logout", server.log_out)
    app.router.add_get("/bye", server.bye)
    async with on_loopback(app) as url:
        server.url = url
        yield server
