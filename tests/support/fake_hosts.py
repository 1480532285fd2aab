"""Three hosts that are not there: this process answers what SSH would forward, and the proxy listens on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from pipeline.inventory.hosts import Host, Inventory
from pipeline.remote.ssh import Completed

__all__ = ["FakeConnection", "FakeHosts"]

COUNTERS = "req_tot,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,econ,eresp,bin,bout"
FACTS = "os=Debian GNU/Linux 12 (bookworm)\ncpus=1\nmemory_bytes=536870912\n"
NODE = """\
# TYPE node_memory_MemAvailable_bytes gauge
node_memory_MemAvailable_bytes 4e+08
# TYPE node_memory_MemTotal_bytes gauge
node_memory_MemTotal_bytes 5e+08
"""
PROCESS = """\
# TYPE namedprocess_namegroup_num_threads gauge
namedprocess_namegroup_num_threads{groupname="canary"} 11
"""


@dataclass
class FakeHosts:
    """What the hosts do: `status` is what each colour's service answers, None when it answers nothing.

    `address` is where the proxy listens on `port`; `live` is the colour that it sends requests to.
    """

    address: str
    port: int
    status: dict[str, int | None]
    live: str = "blue"
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    served: Counter[str] = field(default_factory=Counter)
    written: dict[str, str] = field(default_factory=dict)

    @property
    def inventory(self) -> Inventory:
        groups = ("proxy", "blue", "green")
        return Inventory({name: (Host(name, self.address),) for name in groups})

    async def at_proxy(self, request: web.Request) -> web.Response:
        await request.read()
        colour = self.live
        self.served[colour] += 1
        return web.Response(status=self.status[colour] or 503, text="ok", headers={"X-Served-By": colour})

    def runtime(self, line: str) -> str:
        """HAProxy's runtime API."""
        words = line.split()
        if words[:2] == ["show", "stat"]:
            rows = [f"{colour},BACKEND,{self.served[colour]}" + ",0" * 10 for colour in ("blue", "green")]
            return "\n".join([f"# pxname,svname,{COUNTERS}", *rows, ""])
        entries = self.maps.setdefault(words[2], {"active": "blue"} if "active" in words[2] else {})
        if words[0] == "show":
            return "".join(f"0x1 {key} {value}\n" for key, value in entries.items()) or "\n"
        if words[0] == "set" and words[3] not in entries:
            return "entry not found.\n"
        entries[words[3]] = words[4]
        if words[3] == "active":
            self.live = words[4]
        return "\n"


class FakeConnection:
    """Stands for pipeline.remote.ssh.Connection."""

    def __init__(self, hosts: FakeHosts, host: Host, directory: Path) -> None:
        self.hosts, self.host = hosts, host
        self._directory = directory
        self._closing = contextlib.AsyncExitStack()
        self.alive = True

    def socket(self, name: str) -> Path:
        return self._directory / f"{self.host.name}-{name}"

    async def open(self, forwards: Mapping[str, str]) -> None:
        for name in forwards:
            if name == "runtime":
                server = await asyncio.start_unix_server(self._runtime, self.socket(name))
                self._closing.callback(server.close)
            elif name != "service" or self.hosts.status[self.host.name] is not None:
                await self._serve(name, self.socket(name))
        if self.host.name == "proxy":
            await self._serve("proxy", None)

    async def _serve(self, name: str, path: Path | None) -> None:
        async def answer(request: web.Request) -> web.Response:
            if name == "proxy":
                return await self.hosts.at_proxy(request)
            texts = {"node": NODE, "process": PROCESS}
            return web.Response(text=texts.get(name, "ok"))

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        self._closing.push_async_callback(runner.cleanup)
        site = (
            web.UnixSite(runner, str(path))
            if path
            else web.TCPSite(runner, self.hosts.address, self.hosts.port)
        )
        await site.start()

    async def _runtime(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        writer.write(self.hosts.runtime(line).encode())
        await writer.drain()
        writer.close()

    async def run(self, command: Sequence[str], *, stdin: str = "", check: bool = True) -> Completed:  # noqa: ARG002
        if command[0] == "tee":
            self.hosts.written[command[1]] = stdin
        return Completed(0, FACTS if command[0] == "sh" else "0\n", "")

    def as_root(self, command: Sequence[str]) -> list[str]:
        return list(command)

    async def journal(self, unit: str, *, lines: int = 2000, form: str = "short-iso") -> str:  # noqa: ARG002
        return f"{unit} on {self.host.name}\n"

    async def close(self) -> None:
        await self._closing.aclose()
