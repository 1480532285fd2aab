"""HAProxy's runtime API, as far as the canary uses its maps: answers as HAProxy 2.6 does."""

from __future__ import annotations

from pathlib import Path

from pipeline.canary.proxy import Proxy
from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import Connection

__all__ = ["FakeProxy"]


class FakeProxy:
    """A proxy whose maps are in `maps`; with `stuck`, that entry keeps its value whatever it is told."""

    def __init__(self, stuck: str = "") -> None:
        self.maps = {
            "/etc/haproxy/active.map": {"active": "blue"},
            "/etc/haproxy/share.map": {"green": "0"},
            "/etc/haproxy/routes.map": {"blue": "/preview", "green": "/preview"},
        }
        self.said: list[str] = []
        self.proxy = _Told(self, stuck)


class _Told(Proxy):
    def __init__(self, haproxy: FakeProxy, stuck: str) -> None:
        super().__init__(Connection(Host("proxy", "10.0.0.1", 22, "vagrant", None), Path(), Path()))
        self._haproxy = haproxy
        self._stuck = stuck

    async def command(self, line: str) -> str:
        self._haproxy.said.append(line)
        verb, _, path, *words = line.split()
        entries = self._haproxy.maps.get(path)
        if entries is None:
            return "Unknown map identifier. Please use #<id> or <file>.\n"
        if verb == "show":
            return "".join(f"0x55c0607d06e0 {key} {value}\n" for key, value in entries.items())
        key, value = words
        if key not in entries:
            return "entry not found.\n"
        if key != self._stuck:
            entries[key] = value.replace("\\;", ";")
        return "\n"
