"""Asks each instance whether it is there and which of the profile's routes it has, and each host what it is.

The request is the profile's own, sent to the service's port through SSH: neither the proxy nor a made-up health path
is involved (an upstream version dies of a request that looks harmless), unless the profile names a health path.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from loadgen.reading import LIMITS, reading_all
from pipeline.base.errors import HostError, ServiceError
from pipeline.canary.profile import Profile
from pipeline.remote.ssh import Connection

__all__ = ["UNIT", "Instance", "host_facts", "probe"]

UNIT: Final = "canary.service"

_ABSENT: Final = (404, 405)  # what a server answers for a route or a method that it does not have
_ANSWER_SECONDS: Final = 5
_CRASH_LOOP: Final = 4  # a service that ended so often before it ever answered is not going to
_LOOK_EVERY: Final = 6  # attempts, between looks at how often it ended

# one round trip; each line is `name=value`, and a program that is not there leaves its value empty
_SCRIPT: Final = """
. /etc/os-release; echo "os=$PRETTY_NAME"
echo "kernel=$(uname -r)"
echo "virtualization=$(systemd-detect-virt)"
echo "cpus=$(nproc)"
echo "memory_bytes=$(awk '/^MemTotal/ {print $2 * 1024}' /proc/meminfo)"
echo "node=$(node --version 2>/dev/null)"
echo "python=$(python3 --version 2>/dev/null)"
echo "haproxy=$(/usr/sbin/haproxy -v 2>/dev/null | head -1)"
"""


@dataclass(frozen=True, slots=True)
class Instance:
    """One running version: the route that means the public path there, and the status of its first answer.

    `status` is 0 where this client cannot read the answer: HAProxy, which stands before the loader, reads more.
    """

    route: str
    status: int


async def probe(connection: Connection, profile: Profile) -> Instance:
    """Wait until the service answers, and find its route.

    Raises ServiceError with step `start` when it does not answer within the profile's start_timeout (with the last
    line that it logged), and with step `probe` when it answers but has none of the routes.
    """
    name = connection.host.name
    began = time.monotonic()
    async with aiohttp.ClientSession(
        connector=reading_all(
            aiohttp.UnixConnector(path=str(connection.socket("service")), force_close=True)
        ),
        timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS),
        auto_decompress=False,
        **LIMITS,
    ) as session:
        for attempt in itertools.count(1):
            unwell = ""
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                unwell = await _unwell(session, profile)
                if not unwell:
                    return await _ask(session, name, profile)
            waited = time.monotonic() - began
            ends = await _ends(connection) if attempt % _LOOK_EVERY == 0 else 0
            if ends >= _CRASH_LOOP or waited > profile.start_timeout:
                what = f"ended {ends} times" if ends >= _CRASH_LOOP else unwell or "did not answer"
                where = f"within {waited:.0f} s of its start, on port {profile.port}"
                said = await _last_logged(connection)
                raise ServiceError(name, "start", f"the service {what} {where}; it said: {said}")
            await asyncio.sleep(0.25)
    raise AssertionError("count() has no end")


async def _ends(connection: Connection) -> int:
    """How often systemd has restarted the service since it was deployed."""
    done = await connection.run(["systemctl", "show", "--value", "-p", "NRestarts", UNIT], check=False)
    return int(done.stdout) if done.stdout.strip().isdigit() else 0


async def _unwell(session: aiohttp.ClientSession, profile: Profile) -> str:
    """What the profile's health path says against the service; empty when it is well, or has no such path."""
    health = profile.health
    if health is None:
        return ""
    async with session.get(_url(health.path), headers=_host(profile), allow_redirects=False) as response:
        right = response.status in health.status
        return "" if right else f"answered {response.status} at its health path {health.path}"


def _url(target: str) -> URL:
    """The service's address with `target` byte for byte as it is written, as the loader sends it."""
    return URL("http://service").with_path(target, encoded=True)


def _host(profile: Profile) -> dict[str, str]:
    """The Host header where the profile gives one: a service may answer no other name."""
    return {name: value for name, value in profile.request.headers.items() if name.lower() == "host"}


async def _ask(session: aiohttp.ClientSession, name: str, profile: Profile) -> Instance:
    request = profile.request
    seen = []
    for route in profile.routes:
        method = route.method or request.method
        try:
            async with session.request(
                method,
                _url(request.target(route.path)),
                data=request.content() or None,
                headers=dict(request.headers),
                allow_redirects=False,
            ) as response:  # its body is not read: it may have no end
                pass
        except aiohttp.ClientResponseError:
            return Instance(route.path, 0)
        if response.status not in _ABSENT:
            return Instance(route.path, response.status)
        seen.append(f"{method} {route.path} {response.status}")
    raise ServiceError(name, "probe", f"the service has none of the profile's routes: {', '.join(seen)}")


async def _last_logged(connection: Connection) -> str:
    """The line of the service's log that says why: the newest that names an error, else the newest at all."""
    log = await connection.journal(UNIT, lines=60, form="cat")
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line and not line.startswith("at ")]
    return (errors or lines or ["nothing"])[-1][:300]


async def host_facts(connection: Connection) -> dict[str, object]:
    """Operating system, kernel, CPUs, memory in bytes and versions of what serves, by name."""
    done = await connection.run(["sh", "-c", _SCRIPT], check=False)
    facts: dict[str, object] = {"address": connection.host.private_address}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        if value:
            facts[name] = int(float(value)) if name in ("cpus", "memory_bytes") else value
    if "os" not in facts:
        raise HostError(connection.host.name, f"no facts: {done.stderr.strip()[:200] or 'no output'}")
    return facts
