"""Asks each instance, once, whether it is there and which of the profile's routes it has.

The request is the profile's own, sent to the service's port through SSH: neither the proxy nor a made-up health path
is involved (an upstream version dies of a request that looks harmless).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from pipeline.errors import ServiceError
from pipeline.profile import Profile
from pipeline.ssh import Connection

__all__ = ["UNIT", "Instance", "last_words", "probe"]

UNIT = "canary.service"
ABSENT = (404, 405)  # what a server answers for a route or a method that it does not have
ANSWER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Instance:
    """One running version: the route that means the public path there, and the status of its first answer."""

    route: str
    status: int


async def probe(connection: Connection, profile: Profile) -> Instance:
    """Wait until the service answers, and find its route.

    Raises ServiceError with step `start` when it does not answer within the profile's start_timeout (with the last
    line that it logged), and with step `probe` when it answers but has none of the routes.
    """
    name = connection.host.name
    deadline = time.monotonic() + profile.start_timeout
    async with aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(path=str(connection.socket("service")), force_close=True),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
    ) as session:
        while True:
            try:
                return await _ask(session, name, profile)
            except (aiohttp.ClientError, OSError, TimeoutError):
                if time.monotonic() > deadline:
                    words = await last_words(connection)
                    raise ServiceError(
                        name, "start", f"the service did not answer on port {profile.port} within "
                        f"{profile.start_timeout:g} s of its start; it said: {words}",
                    ) from None  # fmt: skip
                await asyncio.sleep(0.25)


async def _ask(session: aiohttp.ClientSession, name: str, profile: Profile) -> Instance:
    request = profile.request
    seen = []
    for route in profile.routes:
        method = route.method or request.method
        async with session.request(
            method,
            f"http://service{request.target(route.path)}",
            data=request.content() or None,
            headers=dict(request.headers),
        ) as response:
            await response.read()
            if response.status not in ABSENT:
                return Instance(route.path, response.status)
            seen.append(f"{method} {route.path} {response.status}")
    raise ServiceError(name, "probe", f"the service has none of the profile's routes: {', '.join(seen)}")


async def last_words(connection: Connection) -> str:
    """The last line that says why: the newest that names an error, else the newest at all."""
    log = await connection.journal(UNIT, lines=60, form="cat")
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line and not line.startswith("at ")]
    return (errors or lines or ["nothing"])[-1][:300]
