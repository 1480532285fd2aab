"""What the network adds to a request: the service is asked on its own host as well, and connected to from the proxy.

A service that is slow is slow on its own host, too, also where its queue of connections is full: both ways end at the
same socket. What only the load sees lies between the proxy and the host. pipeline/runs/network.py compares the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from loadgen.request import USER_AGENT
from pipeline.base.errors import HostError
from pipeline.base.facts import PROXY_PORT
from pipeline.canary.profile import Profile
from pipeline.remote.ssh import Connection
from pipeline.runs.network import BEGUN, CONNECT, CONNECT_BEGUN, NO_ANSWER, ON_HOST
from pipeline.runs.phases import COLOURS, Phase, under_way

__all__ = ["NetworkProbe"]

_EVERY: Final = 1.0  # seconds between two probes under load
_BEFORE_EVERY: Final = 0.2
_BEFORE_SECONDS: Final = 1.5
_AGAIN_SECONDS: Final = 2.0
_ALWAYS: Final = ((0.0, True),)

# bash alone, which every Debian host has: no program of ours is on a host, and one that is started for each probe would
# take more time than what is measured. The first line of its input is the request, for printf: it may hold a token,
# which must not stand among a command's arguments; empty: only connect. Then 1 and 0 switch the probes on and off, and
# the end of the input ends it. It prints `NAME NUMBER` as a probe begins, and
# `NAME NUMBER CONNECTED_US TOTAL_US STATUS` at its end.
_SCRIPT: Final = r"""
LC_ALL=C
exec 2>/dev/null
IFS= read -r request || exit
every=$1; shift
number=0 active=0 pids=() names=()
trap 'kill "${pids[@]}"' EXIT
probe() {
    trap - EXIT
    local begun=${EPOCHREALTIME/./} connected status=0 ended
    exec 3<>"/dev/tcp/$2/$3" || { echo "$1 $number 0 0 0"; return; }
    connected=${EPOCHREALTIME/./}
    if [ -n "$request" ]; then
        printf '%b' "$request" >&3
        IFS=' ' read -r -t 5 -u 3 _ status _
        # To start a program takes longer than to read a short answer here; a long one takes long here.
        if IFS= read -r -t 5 -u 3 -N 8192 _; then timeout 5 cat <&3 >/dev/null || status=0
        elif [ $? -gt 128 ]; then status=0; fi
    fi
    ended=${EPOCHREALTIME/./}
    echo "$1 $number $((connected - begun)) $((ended - begun)) ${status:-0}"
}
while :; do
    read -r -t "$every" said; got=$?
    if [ $got = 0 ]; then active=$said; continue; fi
    [ $got -gt 128 ] || exit
    [ "$active" = 1 ] || continue
    number=$((number + 1))
    for ((i = 1; i <= $#; i += 3)); do
        port=$((i + 2)) address=$((i + 1))
        echo "${!i} $number"
        probe "${!i}" "${!address}" "${!port}" &
        pids+=($!) names+=("${!i} $number")
    done
    # One that cannot even connect would try for two minutes.
    while [ ${#pids[@]} -gt $((6 * $# / 3)) ]; do
        kill "${pids[0]}" && echo "${names[0]} 0 0 0"
        pids=("${pids[@]:1}") names=("${names[@]:1}")
    done
done
"""


class NetworkProbe:
    """Asks each version on its own host, while it carries load, and connects to both from the proxy.

    Args:
        connections: To each arm's host and to `proxy`.
        profile: What is asked: the very request that the loader sends.
        routes: By arm, the path that means the public one there.

    `unanswered` is, by arm, how many requests on its own host have had no right answer since the last that had one.
    """

    def __init__(
        self, connections: Mapping[str, Connection], profile: Profile, routes: Mapping[str, str]
    ) -> None:
        self._connections = connections
        self._targets = {
            arm: (connections[arm].host.private_address.strip("[]"), str(profile.port)) for arm in COLOURS
        }
        host = f"{connections['proxy'].host.private_address}:{PROXY_PORT}"
        self._requests = {arm: _as_printf(profile, host, routes[arm]) for arm in COLOURS}
        self.unanswered = dict.fromkeys(COLOURS, 0)

    async def before(self) -> dict[str, float]:
        """How long connecting from the proxy takes now, by arm, in seconds: the shortest of a few.

        An arm that the proxy does not reach, or all where no probe works there, is absent.
        """
        taken: dict[str, float] = {}

        def note(arm: str, _: float, connect: float, __: float) -> None:
            if connect:
                taken[arm] = min(connect, taken.get(arm, connect))

        with contextlib.suppress(TimeoutError, HostError, OSError):
            async with asyncio.timeout(_BEFORE_SECONDS):
                await self._stream("proxy", "", self._targets, _BEFORE_EVERY, _ALWAYS, note)
        return taken

    async def run(
        self, began: float, phases: Sequence[Phase], write: Callable[[float, str, str, float], None]
    ) -> None:
        """Probe until cancelled; the load `began` then (monotonic clock). What cannot be probed is no error."""

        def from_proxy(arm: str, at: float, connect: float, _: float) -> None:
            write(at - began, arm, CONNECT, connect or NO_ANSWER)

        def on_host(arm: str, at: float, _: float, total: float) -> None:
            if total:
                self.unanswered[arm] = 0
            write(at - began, arm, ON_HOST, total or NO_ANSWER)

        def connect_begins(arm: str, at: float) -> None:
            write(at - began, arm, CONNECT_BEGUN, 1.0)

        def begins(arm: str, at: float) -> None:
            self.unanswered[arm] += 1
            write(at - began, arm, BEGUN, 1.0)

        async def again(
            on: str,
            request: str,
            targets: Mapping[str, tuple[str, str]],
            switch: Sequence[tuple[float, bool]],
            note: _Note,
            begin: Callable[[str, float], None],
        ) -> None:
            wait = _AGAIN_SECONDS
            while True:  # a connection that was lost is made again by whoever watches the hosts
                connected = time.monotonic()
                with contextlib.suppress(HostError, ConnectionError, ValueError):  # no line of ours
                    await self._stream(on, request, targets, _EVERY, switch, note, begin)
                # A host without bash would else start a program in vain every other second of its measurement.
                wait = _AGAIN_SECONDS if time.monotonic() - connected > wait else 2 * wait
                await asyncio.sleep(wait)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(again("proxy", "", self._targets, _ALWAYS, from_proxy, connect_begins))
                for arm in COLOURS:
                    # An idle version stays idle: it is asked on its host only while it carries load.
                    switch = _loaded(phases, arm, began)
                    own = {arm: self._targets[arm]}
                    group.create_task(again(arm, self._requests[arm], own, switch, on_host, begins))
        except ExceptionGroup as errors:  # the caller wants to know what happened, such as a full disk
            raise errors.exceptions[0] from None

    async def _stream(
        self,
        on: str,
        request: str,
        targets: Mapping[str, tuple[str, str]],
        every: float,
        switch: Sequence[tuple[float, bool]],
        note: _Note,
        begin: Callable[[str, float], None] | None = None,
    ) -> None:
        """Probe from the host `on` until the connection ends.

        Args:
            on: The arm whose host it is, or proxy.
            request: As printf writes it; empty: only connect.
            targets: By arm, address and port.
            every: Seconds between two.
            switch: When to begin and to stop (monotonic clock).
            note: Gets an arm, when its probe began (monotonic clock), the seconds to the connection and in all, 0 where
                there was no right answer.
            begin: Gets an arm, and when its probe begins.
        """
        words = [word for arm, target in targets.items() for word in (arm, *target)]
        command = ["bash", "-c", _SCRIPT, "probe", f"{every:g}", *words]
        async with self._connections[on].started(command) as (stdin, stdout):
            stdin.write(f"{request}\n".encode())
            switching = asyncio.create_task(_switch(stdin, switch))
            begun: dict[tuple[str, str], float] = {}
            try:
                async for line in stdout:
                    match line.decode(errors="replace").split():
                        case [arm, number]:
                            begun[arm, number] = time.monotonic()
                            if begin is not None:
                                begin(arm, begun[arm, number])
                        case [arm, number, connected, total, status] if (arm, number) in begun:
                            right = status.isdigit() and 100 <= int(status) < 500
                            took = int(total) / 1e6 if right or not request else 0.0
                            note(arm, begun.pop((arm, number)), int(connected) / 1e6, took)
            finally:
                switching.cancel()


_Note = Callable[[str, float, float, float], None]


async def _switch(stdin: asyncio.StreamWriter, switch: Sequence[tuple[float, bool]]) -> None:
    with contextlib.suppress(ConnectionError):
        for at, on in switch:
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            stdin.write(b"1\n" if on else b"0\n")
            await stdin.drain()


def _loaded(phases: Sequence[Phase], arm: str, began: float) -> list[tuple[float, bool]]:
    """When the arm's load begins and ends, on the clock on which the run `began`.

    >>> from pipeline.canary.schedule import phased
    >>> _loaded(phased(10, 2), "canary", 100.0)
    [(100.0, False), (112.0, True)]
    """
    found: list[tuple[float, bool]] = []
    for start in sorted({phase.start for phase in phases}):
        on = any(phase.arm == arm for phase in under_way(phases, start))
        if not found or found[-1][1] != on:
            found.append((began + start, on))
    return found


def _as_printf(profile: Profile, host: str, route: str) -> str:
    """The request as bash's `printf %b` writes it, byte for byte: the loader's own, on a connection for itself."""
    request, body = profile.request, profile.request.content()
    headers = {"Host": host, "User-Agent": USER_AGENT, "Accept": "*/*"}
    given = {name.lower() for name in request.headers}
    lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() not in given]
    lines += [f"{n}: {value}" for n, value in request.headers.items() if n.lower() != "connection"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([f"{request.method} {request.target(route)} HTTP/1.1", *lines, "Connection: close"])
    sent = head.encode() + b"\r\n\r\n" + body
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\0{byte:03o}" for byte in sent)
