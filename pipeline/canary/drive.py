"""Drives the load through the schedule: switches at the phase boundaries, and stops a run that can give no verdict."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pipeline.base.errors import HostError
from pipeline.base.step_hook import begins
from pipeline.base.text import plural
from pipeline.canary.display import LoadDisplay, Second
from pipeline.canary.early_stop import EarlyEnd, EarlyStop
from pipeline.canary.health import Collector
from pipeline.canary.loader import Loader
from pipeline.canary.proxy import BOTH, Proxy
from pipeline.canary.watchdog import Watchdog
from pipeline.judge.evidence import Problem
from pipeline.remote.ssh import Connection
from pipeline.runs.evidence import OWN_FAILURES
from pipeline.runs.phases import COLOURS, Phase, under_way

__all__ = ["LoadSetup", "Measurement", "direct", "drive_load"]

_PROXY_SILENT_SECONDS: Final = 5  # HAProxy restarted by systemd is back well within that
_STRAYED_LOOKS: Final = 2
_RECONNECT_SECONDS: Final = 10
_SWITCH_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class LoadSetup:
    """What takes part while load is driven.

    - `loader`: sends the requests
    - `phases`: the whole schedule
    - `proxy`: sends them on to one version or the other
    - `collector`: samples the hosts' health
    - `connections`: maps each arm (baseline, canary) and `proxy` to its host
    - `expected_status`: what a good answer has, one of these
    - `share`: what the canary gets of the requests where both arms carry load at once, else None
    - `early_stop`: says when the evidence suffices
    - `display`: shows each second
    - `network`: probes the way to both versions from when the load began (monotonic clock) on, until it is cancelled
    - `unanswered`: by arm, how many of these probes on its own host have had no answer since the last that had one
    """

    loader: Loader
    phases: Sequence[Phase]
    proxy: Proxy
    collector: Collector
    connections: Mapping[str, Connection]
    expected_status: tuple[int, ...]
    share: float | None
    early_stop: EarlyStop
    display: LoadDisplay
    network: Callable[[float], Awaitable[None]] | None = None
    unanswered: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Measurement:
    """What came of the load, filled while it is driven.

    - `t0`: when it began, Unix time
    - `phases`: the phases as they really were
    - `problem`: why it ended early without a verdict
    - `early_end`: what was decided before the schedule's end
    - `summary`: the loader's own
    """

    t0: float = 0.0
    phases: tuple[Phase, ...] = ()
    problem: Problem | None = None
    early_end: EarlyEnd | None = None
    summary: Mapping[str, Any] | None = None


async def drive_load(setup: LoadSetup, measurement: Measurement) -> None:
    """Run the whole schedule, filling `measurement`: what was measured stays known when this is cancelled.

    Ends early with `measurement.problem` set when the run can no longer give a verdict, with `measurement.early_end`
    when the evidence suffices: the last phase then ends there. Raises LoadError when the loader itself breaks. However
    it ends, the canary has no traffic from then on, as far as the proxy answers.
    """
    begins("load")
    t0 = measurement.t0 = await setup.loader.start()
    # From here on by a clock that nobody can set.
    began = time.monotonic() - (time.time() - t0)
    tasks = [
        asyncio.create_task(setup.collector.run(began)),
        asyncio.create_task(_switch_by_schedule(setup, began)),
        asyncio.create_task(_guard(setup.proxy)),
        asyncio.create_task(setup.early_stop.run()),
    ]
    if setup.network is not None:
        tasks.append(asyncio.ensure_future(setup.network(began)))
    try:
        with setup.display.shown():
            await _follow(setup, measurement, tasks, began)
    except HostError as error:
        # A host without power looks like a program on it that does not answer.
        measurement.problem = await _gone(setup) or Problem("invalid", error.message)
    finally:
        end = measurement.early_end
        stopped = time.monotonic() - began if end is None else end.at
        measurement.phases = _cut(setup.phases, stopped)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await setup.loader.stop()
        measurement.summary = setup.loader.summary
        # Whoever ends the run sees to it in any case, with more patience; but later.
        with contextlib.suppress(HostError, TimeoutError):
            async with asyncio.timeout(_SWITCH_SECONDS):
                await setup.proxy.switch(COLOURS["baseline"])


async def _follow(
    setup: LoadSetup, measurement: Measurement, tasks: Sequence[asyncio.Task[None]], began: float
) -> None:
    """Each second of load until the schedule ends, or a reason to stop is found; raises what a task died of."""
    collector, early_stop, connections = setup.collector, setup.early_stop, setup.connections
    told = False
    watchdog, hosts = Watchdog(), {arm: connection.host.name for arm, connection in connections.items()}
    async for event in setup.loader.events():
        at = float(event["t"])
        phases = under_way(setup.phases, at)
        for task in tasks:
            if task.done():
                task.result()
        right = sum(event["status"].get(str(status), 0) for status in setup.expected_status)
        good = right - event["wrong_bodies"]
        setup.display.second(
            Second(
                phases=phases,
                at=at,
                total=setup.phases[-1].end,
                event=event,
                failed=event["errors"] + event["completed"] - good,
                health=collector.latest,
                so_far=early_stop.so_far,
            )
        )
        if early_stop.forecast and not told:
            told = True
            setup.display.note(f"from the baseline: {early_stop.forecast}")
        if problem := _failed_itself(event):
            measurement.problem = problem
            return
        good, served = (
            {arm: event[by].get(COLOURS[arm], 0) for arm in COLOURS} for by in ("good_by", "served_by")
        )
        problem = watchdog.check_second(phases, good, served, collector.missed, setup.unanswered, hosts)
        if problem is not None and not await _came_back(collector, connections):
            measurement.problem = await _gone(setup) or problem
            return
        if early_stop.end is not None:
            # a host that died looks like a bad version, and its exporters have not been silent for long
            measurement.problem = await _gone(setup)
            measurement.early_end = None if measurement.problem else early_stop.end
            return
    # At a low rate the last request is answered before the schedule ends; the hosts are watched until then.
    left = began + setup.phases[-1].end - time.monotonic()
    if left > 0:
        done, _ = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()


def _failed_itself(event: Mapping[str, Any]) -> Problem | None:
    """What the loader itself failed at in this second: without those requests there is no verdict.

    HAProxy has read each answer before the loader does: what it passes on and the loader cannot read says nothing about
    the version.
    """
    for error, (words, what) in OWN_FAILURES.items():
        if count := event["errors_by_kind"].get(error):
            return Problem("invalid", f"{words} {plural(count, what)}: {event['examples'][error]}")
    return None


async def direct(proxy: Proxy, phases: Sequence[Phase], share: float | None) -> None:
    """Send the load where `phases`, which are under way at once, want it: to one colour, or `share` of it to green."""
    if len({phase.colour for phase in phases}) == 1:
        await proxy.switch(phases[0].colour)
    elif share is not None:
        await proxy.split(share)


async def _switch_by_schedule(setup: LoadSetup, began: float) -> None:
    """Switch the proxy where a phase begins on another arm; the first is set before the load begins."""
    carrying = {phase.arm for phase in under_way(setup.phases, 0)}
    for start in sorted({phase.start for phase in setup.phases}):
        await asyncio.sleep(max(0.0, began + start - time.monotonic()))
        phases = under_way(setup.phases, start)
        begins(f"{phases[0].kind} {phases[0].colour if len(phases) == 1 else BOTH}")
        if (arms := {phase.arm for phase in phases}) != carrying:
            await direct(setup.proxy, phases, setup.share)
            carrying = arms
    await asyncio.Event().wait()  # the loader decides when it is over


async def _guard(proxy: Proxy) -> None:
    """Fails once HAProxy has been silent for too long, or sends requests elsewhere than it was told.

    What the loader sees then is not the service's. Looked at twice, for a switch may be under way.
    """
    heard, strayed = time.monotonic(), 0
    while True:
        await asyncio.sleep(1)
        told = proxy.told
        try:
            now = await proxy.active()
        except HostError:
            if time.monotonic() - heard > _PROXY_SILENT_SECONDS:
                raise
            continue
        heard = time.monotonic()
        strayed = strayed + 1 if told is not None and now != told == proxy.told else 0
        if strayed == _STRAYED_LOOKS:
            raise proxy.strayed(now)


async def _came_back(collector: Collector, connections: Mapping[str, Connection]) -> bool:
    """Whether there are silent hosts, and all are there after all: only the connection was lost, or they are slow."""
    silent = [arm for arm, missed in collector.missed.items() if missed]
    if not silent:
        return False
    for arm in silent:
        if not await _answers(connections[arm]):
            return False
        collector.missed[arm] = 0
    return True


async def _gone(setup: LoadSetup) -> Problem | None:
    """The host that no longer answers, as the problem that it is; None when all do.

    One whose service the proxy still reaches is not dead: only SSH to it is.
    """
    answers = await asyncio.gather(*map(_answers, setup.connections.values()))
    for (arm, connection), answered in zip(setup.connections.items(), answers, strict=True):
        if not answered:
            name = connection.host.name
            said = f"host {name} stopped answering"
            with contextlib.suppress(HostError):
                if arm in COLOURS and await setup.proxy.reaches(COLOURS[arm]):
                    said = f"SSH to host {name} is lost, and with it its health; the proxy still reaches its service"
            return Problem("invalid", said)
    return None


async def _answers(connection: Connection) -> bool:
    try:
        async with asyncio.timeout(_RECONNECT_SECONDS):
            if not connection.alive:
                await connection.reopen()
            await connection.run(["true"])
    except (HostError, TimeoutError):
        return False
    return True


def _cut(phases: Sequence[Phase], stopped: float) -> tuple[Phase, ...]:
    """The phases that really took place, the last ones cut at `stopped`."""
    return tuple(
        replace(phase, end=min(phase.end, round(stopped, 3))) for phase in phases if phase.start < stopped
    )
