"""The monitor's web server as the page sees it, with a Prometheus that says what a test wants it to say.

A real one cannot be made to have lost its data three minutes ago, or to name a host <img>, within a second. The page is
served with the strictest policy that it works under.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from dashboard.generate import page_json
from dashboard.panels import HERE

__all__ = ["Monitor"]

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What a metric's value is where a test says nothing: both applications are well.
_USUAL: Final = {
    "probe_success": 1.0,
    "service:restarts:after_boot": 0.0,
    "http_requests_total": 4.2,
    'status=~"5.."': 0.0,
    "http_request_seconds_bucket": 0.08,
    'area="heap"': 0.5,
    "1 - ": 0.4,
}
_Series = dict[str, Any]


@dataclass
class Monitor:
    """The web server. What its Prometheus says:

    Attributes:
        libraries: The folder of the page's packages.
        values: By a part of a query, its value, or None for no data at all; the last part that fits counts.
        ended: By a part of a query, seconds since its data ended.
        hosts: By name, 1 or 0 (up), or None (gone).
        applications: The names of each application's hosts.
        silent: The hosts that do not answer the probe.
        deploys: The labels of each mark, and `at`, its time.
        alerts: As Prometheus's API lists them.
        status: Of each answer to a query.
        asked: The parameters of the queries so far.
        address: Of the page, while it is served.
    """

    libraries: Path
    values: dict[str, float | None] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    hosts: dict[str, float | None] = field(default_factory=lambda: {"checkbox": 1.0, "itrust": 1.0})
    applications: dict[str, list[str]] = field(
        default_factory=lambda: {"checkbox": ["checkbox"], "itrust": ["itrust"]}
    )
    silent: set[str] = field(default_factory=set)
    deploys: list[dict[str, str]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    address: str = ""

    def found(self, query: str) -> list[tuple[_Series, float, float]]:
        """Labels, value, and since when (seconds ago, 0: still there) of each series of `query`."""
        if query.startswith("max by (host, app) (up{") or query.startswith("up{"):
            only = re.search(r'host="([^"]*)"', query)
            of = {host: app for app, names in self.applications.items() for host in names}
            return [
                (
                    {"host": host, "app": of.get(host, host)},
                    1.0 if up is None else up,
                    180 if up is None else 0,
                )
                for host, up in self.hosts.items()
                if not only or only[1] == host
                if "== 1" not in query or up == 1
            ]
        if query.startswith("min by (host, app) (probe_success"):
            return [
                ({"host": host, "app": app}, float(host not in self.silent), 0)
                for app, names in self.applications.items()
                for host in names
            ]
        if "pipeline_" in query:
            wanted = 'action="rollback"' in query
            return [
                (one, float(one["at"]), 0)
                for one in self.deploys
                if one["__name__"] in query and (one.get("action") == "rollback") == wanted
            ]
        value: float | None = 5.0
        for part, its in (_USUAL | self.values).items():
            value = its if part in query else value
        asked = re.search(r'^min\(probe_success\{app="(\w+)"', query)
        if asked and value is not None and self.silent & set(self.applications[asked[1]]):
            value = 0.0
        gone = max((seconds for part, seconds in self.ended.items() if part in query), default=0)
        return [] if value is None else [({"status": "200", "name": "unit", "type": "all"}, value, gone)]

    async def query(self, request: web.Request) -> dict[str, Any]:
        asked = dict(request.query)
        self.asked.append(asked)
        if asked["query"] == "time()":
            return {"resultType": "scalar", "result": [time.time(), str(time.time())]}
        at = float(asked["time"])
        result = [
            {"metric": m, "value": [at, str(v)]} for m, v, gone in self.found(asked["query"]) if not gone
        ]
        return {"resultType": "vector", "result": result}

    async def query_range(self, request: web.Request) -> dict[str, Any]:
        asked = dict(request.query)
        self.asked.append(asked)
        start, end, step = (float(asked[name]) for name in ("start", "end", "step"))
        result = []
        for metric, value, gone in self.found(asked["query"]):
            grid = [start + i * step for i in range(int((end - start) / step + 1e-6) + 1)]
            points = [[at, str(value)] for at in grid if not gone or at <= time.time() - gone]
            result += [{"metric": metric, "values": points}] if points else []
        return {"resultType": "matrix", "result": result}

    async def alerts_now(self, _: web.Request) -> dict[str, Any]:
        return {"alerts": self.alerts}

    def answering(self, what: Callable[[web.Request], Awaitable[dict[str, Any]]]) -> Any:
        async def handler(request: web.Request) -> web.Response:
            if self.status != 200:
                return web.Response(
                    status=self.status, text="<html>Bad Gateway</html>", content_type="text/html"
                )
            return web.json_response({"status": "success", "data": await what(request)})

        return handler

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve the page on a port of loopback; `address` is where."""

        async def headers(_: web.Request, response: web.StreamResponse) -> None:
            response.headers["Content-Security-Policy"] = _POLICY
            response.headers["X-Content-Type-Options"] = "nosniff"

        async def index(_: web.Request) -> web.FileResponse:
            return web.FileResponse(HERE / "site" / "index.html")

        async def panels(_: web.Request) -> web.Response:
            return web.Response(text=page_json(), content_type="application/json")

        app = web.Application()
        app.on_response_prepare.append(headers)
        app.router.add_get("/dashboard/", index)
        app.router.add_get("/dashboard/panels.json", panels)
        app.router.add_get("/prometheus/api/v1/query", self.answering(self.query))
        app.router.add_get("/prometheus/api/v1/query_range", self.answering(self.query_range))
        app.router.add_get("/prometheus/api/v1/alerts", self.answering(self.alerts_now))
        self.libraries.mkdir(exist_ok=True)
        app.router.add_static("/dashboard/lib", self.libraries)
        app.router.add_static("/dashboard", HERE / "site")
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}/dashboard/"
            yield
        finally:
            await runner.cleanup()
