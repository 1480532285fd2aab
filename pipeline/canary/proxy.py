"""The proxy, switched and read through HAProxy's runtime API.

Which colour is live is one entry of a map: `set map` replaces it in one step, so there is no moment with no colour or
with two, no reload, and requests under way end where they began. The entry can also say `both`: then each request is
dealt by chance, and a second map has the share of green.
See HAProxy's management guide, section 9.3 (`set map`, `show map`, `show stat`). The loader's counts are compared with
HAProxy's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.base.errors import HostError
from pipeline.base.private import private_directory
from pipeline.base.text import last_line, reason_of
from pipeline.inventory.hosts import Inventory
from pipeline.remote.ssh import Connection

__all__ = ["BOTH", "RUNTIME_SOCKET", "Proxy", "connected_proxy", "difference", "reconcile"]

RUNTIME_SOCKET: Final = "/run/haproxy/admin.sock"
BOTH: Final = "both"

_ACTIVE_MAP: Final = "/etc/haproxy/active.map"
_ROUTES_MAP: Final = "/etc/haproxy/routes.map"
_SHARE_MAP: Final = "/etc/haproxy/share.map"
_OF_REQUESTS: Final = 1_000_000  # what share.map counts in, and haproxy.cfg draws from
_ANSWER_SECONDS: Final = 5
_REACH_SECONDS: Final = 3
_RESPONSES: Final = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")
_COUNTERS: Final = ("req_tot", *_RESPONSES, "econ", "eresp", "bin", "bout")

_Counters = Mapping[str, Mapping[str, int]]


class Proxy:
    """HAProxy on its host, through `connection` and its forward of the runtime socket called `runtime`.

    `told` is the colour that this process told it last, None before.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.told: str | None = None

    @property
    def _socket(self) -> Path:
        return self._connection.socket("runtime")

    async def command(self, line: str) -> str:
        """One runtime API command and its answer. Raises HostError when HAProxy does not answer."""
        name = self._connection.host.name
        if not self._connection.alive:
            raise HostError(name, "the SSH connection is lost, over which HAProxy is asked")
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
                try:
                    writer.write(line.encode() + b"\n")
                    await writer.drain()
                    answer = (await reader.read()).decode()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise HostError(name, f"HAProxy's runtime API does not answer: {reason_of(error)}") from error
        if not answer:  # the forward accepts, then finds no HAProxy behind it
            raise HostError(name, "HAProxy's runtime API does not answer: connection closed")
        return answer

    async def active(self) -> str:
        """The live colour: blue, green, or both."""
        return await self._get(_ACTIVE_MAP, "active")

    async def reaches(self, colour: str) -> bool:
        """Whether the proxy can connect to the version that runs there, now."""
        for row in await self._statistics():
            if (row["pxname"], row["svname"]) == (colour, colour):
                address, _, port = row["addr"].rpartition(":")
                words = ["timeout", str(_REACH_SECONDS), "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"']
                done = await self._connection.run([*words, address.strip("[]"), port], check=False)
                return done.status == 0
        return False

    async def switch(self, colour: str) -> None:
        """Send every new request to `colour`, now. Verified by reading it back."""
        self.told = colour
        await self._set(_ACTIVE_MAP, "active", colour)
        now = await self.active()
        if now != colour:
            said = f"HAProxy stayed on {now} when told to switch to {colour}"
            raise HostError(self._connection.host.name, said)

    def strayed(self, now: str) -> HostError:
        """The error that says that it is on `now`, where nothing of this process has put it."""
        said = f"HAProxy is on {now}, not on {self.told} as it was told: it was restarted, or somebody switched it"
        return HostError(self._connection.host.name, said)

    async def split(self, share: float) -> None:
        """From now on give green each new request with the chance `share`, else blue. Verified by reading it back.

        The share is set first: it means nothing until both are active, so no request is dealt by an old one.
        """
        wanted = str(round(share * _OF_REQUESTS))
        await self._set(_SHARE_MAP, "green", wanted)
        if (now := await self._get(_SHARE_MAP, "green")) != wanted:
            said = f"HAProxy gives green {now} of {_OF_REQUESTS:,} requests, not {wanted} as it was told"
            raise HostError(self._connection.host.name, said)
        await self.switch(BOTH)

    async def route(self, colour: str, path: str) -> None:
        """The path that means the public one on `colour`'s instance. Verified by reading it back."""
        await self._set(_ROUTES_MAP, colour, path)
        if (now := await self._get(_ROUTES_MAP, colour)) != path:
            said = f"HAProxy has the route {now} for {colour}, not {path} as it was told"
            raise HostError(self._connection.host.name, said)

    async def persist(self) -> None:
        """Write colour and routes as they are now to disk, so that a restart of HAProxy keeps them.

        The files belong to the SSH user (deploys/canary_proxy.py), as the runtime socket does.
        """
        for path in (_ACTIVE_MAP, _ROUTES_MAP):
            lines = (await self.command(f"show map {path}")).splitlines()
            entries = [line.split(maxsplit=2)[1:] for line in lines if line]
            text = "".join(f"{' '.join(entry)}\n" for entry in entries)
            await self._connection.run(["tee", path], stdin=text)

    async def has_maps(self) -> bool:
        """Whether this host has been deployed as a proxy, be HAProxy running or not. Raises HostError."""
        done = await self._connection.run(["test", "-e", _ACTIVE_MAP], check=False)
        if done.status not in (0, 1):  # ssh itself
            said = last_line(done.stderr, f"ssh ended with {done.status}")
            raise HostError(self._connection.host.name, said)
        return done.status == 0

    async def begin_on(self, colour: str) -> None:
        """Write to disk that HAProxy begins with `colour` when it starts again; one that runs is not changed."""
        await self._connection.run(["tee", _ACTIVE_MAP], stdin=f"active {colour}\n")

    async def counters(self) -> dict[str, dict[str, int]]:
        """HAProxy's own counters since its start, per colour: requests, responses by class, errors, bytes."""
        return {
            row["pxname"]: {name: int(row[name] or 0) for name in _COUNTERS}
            for row in await self._statistics()
            if row["svname"] == "BACKEND" and row["pxname"] in ("blue", "green")
        }

    async def _statistics(self) -> list[dict[str, str]]:
        answer = await self.command("show stat")
        return list(csv.DictReader(io.StringIO(answer.removeprefix("# "))))

    async def _get(self, path: str, key: str) -> str:
        for line in (await self.command(f"show map {path}")).splitlines():
            words = line.split()
            if len(words) == 3 and words[1] == key:
                return words[2]
        raise HostError(self._connection.host.name, f"HAProxy has no entry '{key}' in {path}")

    async def _set(self, path: str, key: str, value: str) -> None:
        word = value.replace(";", r"\;")  # a bare one would end the command
        answer = (await self.command(f"set map {path} {key} {word}")).strip()
        if "not found" in answer:
            answer = (await self.command(f"add map {path} {key} {word}")).strip()
        if answer:  # HAProxy says nothing when it did it
            said = f"HAProxy refused '{key} {value}' in {path}: {answer}"
            raise HostError(self._connection.host.name, said)


@contextlib.asynccontextmanager
async def connected_proxy(inventory: Inventory, known_hosts: Path) -> AsyncIterator[Connection]:
    """A connection to the proxy alone."""
    host = inventory.one("proxy")
    with private_directory() as directory:
        connection = Connection(host, directory, known_hosts)
        try:
            await connection.open({"runtime": RUNTIME_SOCKET})
            yield connection
        finally:
            await connection.close()


def difference(before: _Counters, after: _Counters) -> dict[str, dict[str, int]]:
    """What each colour's counters grew by."""
    return {
        colour: {name: value - before.get(colour, {}).get(name, 0) for name, value in counters.items()}
        for colour, counters in after.items()
    }


def reconcile(grown: _Counters, served: Mapping[str, int], unattributed: int) -> dict[str, Any]:
    """Compare what HAProxy counted per colour with what the loader did.

    `served` is the loader's count of responses by the colour that they name; `unattributed` are its requests that got
    no response at all, each of which HAProxy may or may not have seen. A difference larger than those is a mismatch.

    >>> reconcile({"blue": {"req_tot": 10}}, {"blue": 9}, 1)["mismatches"]
    []
    """
    mismatches = []
    for colour in sorted(set(grown) | set(served)):
        counted, seen = grown.get(colour, {}).get("req_tot", 0), served.get(colour, 0)
        if not 0 <= counted - seen <= unattributed:
            mismatches.append(
                f"{colour}: HAProxy counted {counted} requests, the loader {seen} ({unattributed} unanswered)"
            )
    return {
        "haproxy": {colour: dict(counters) for colour, counters in grown.items()},
        "loader": dict(served),
        "unattributed": unattributed,
        "mismatches": mismatches,
    }
