"""Drives the load through the schedule: switches at the phase boundaries, samples health, stops what is hopeless."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.base.console import Progress
from pipeline.base.errors import HostError
from pipeline.canary.early_stop import Decided, Looks
from pipeline.canary.health import Collector
from pipeline.canary.loader import Loader
from pipeline.canary.proxy import Proxy
from pipeline.judge.evidence import Problem
from pipeline.remote.ssh import Connection
from pipeline.runs.phases import Phase

__all__ = ["HOPELESS_SECONDS", "LOST_SECONDS", "Driven", "Watch", "drive"]

PROXY_SILENT_SECONDS = 5  # HAProxy restarted by systemd is back well within that


RECONNECT_SECONDS = 10


@dataclass(slots=True)
class Driven:
    """What came of it: when the load began (Unix time), the phases as they really were, what went wrong, and what
    was decided before the schedule's end."""

    t0: float
    phases: tuple[Phase, ...]
    problem: Problem | None = None
    decided: Decided | None = None
    summary: Mapping[str, Any] | None = None


async def drive(
    loader: Loader,
    phases: Sequence[Phase],
    proxy: Proxy,
    collector: Collector,
    connections: Mapping[str, Connection],
    expected_status: int,
    looks: Looks,
    progress: Progress,
    driven: Driven,
) -> None:
    """Run the whole schedule, filling `driven` as it goes: what was measured stays known when this is cancelled.

    `connections` maps each arm and `proxy` to its host. Ends early with `driven.problem` set when the run can no
    longer give a verdict, with `driven.decided` when `looks` has seen enough: the last phase then ends with what it
    saw. Raises LoadError when the loader itself breaks.
    """
    driven.t0 = await loader.start()
    tasks = [
        asyncio.create_task(collector.run(driven.t0)),
        asyncio.create_task(_follow(phases, proxy, driven.t0)),
        asyncio.create_task(_guard(proxy)),
        asyncio.create_task(looks.run()),
    ]
    watch, hosts = Watch(), {arm: connection.host.name for arm, connection in connections.items()}
    total = phases[-1].end
    try:
        with progress.loading():
            async for event in loader.events():
                at = float(event["t"])
                phase = _phase_at(phases, at)
                for task in tasks:
                    if task.done():
                        task.result()  # raises what it died of
                good = event["status"].get(str(expected_status), 0) - event["wrong_bodies"]
                failed = event["errors"] + event["completed"] - good
                progress.second(phase, at, total, {**event, "failed": failed}, collector.latest, looks.so_far)
                problem = watch.second(phase, good, collector.missed, hosts)
                if problem is not None and not await _came_back(problem, collector, connections):
                    driven.problem = problem
                    break
                if looks.decided is not None:
                    # a host that died looks like a bad version, and its exporters have not been silent for long
                    driven.problem = await _gone(connections)
                    driven.decided = None if driven.problem else looks.decided
                    break
    except HostError as error:
        driven.problem = Problem("invalid", error.message)
    finally:
        driven.phases = _as_driven(
            phases, time.time() - driven.t0 if driven.decided is None else driven.decided.at
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await loader.stop()
        driven.summary = loader.summary


async def _follow(phases: Sequence[Phase], proxy: Proxy, t0: float) -> None:
    """Switch the proxy at each phase's start; the first colour is set before the load begins."""
    colour = phases[0].colour
    for phase in phases:
        await asyncio.sleep(max(0.0, t0 + phase.start - time.time()))
        if phase.colour != colour:
            await proxy.switch(phase.colour)
            colour = phase.colour
    await asyncio.Event().wait()  # the loader decides when it is over


async def _guard(proxy: Proxy) -> None:
    """Fails once HAProxy has been silent for PROXY_SILENT_SECONDS: what the loader sees then is not the service's."""
    heard = time.monotonic()
    while True:
        await asyncio.sleep(1)
        try:
            await proxy.active()
            heard = time.monotonic()
        except HostError:
            if time.monotonic() - heard > PROXY_SILENT_SECONDS:
                raise


async def _came_back(problem: Problem, collector: Collector, connections: Mapping[str, Connection]) -> bool:
    """Whether the silent hosts are there after all: only the connection was lost, or they are slow."""
    silent = [arm for arm, missed in collector.missed.items() if missed]
    if problem.effect != "invalid" or not silent:
        return False
    for arm in silent:
        if not await _answers(connections[arm]):
            return False
        collector.missed[arm] = 0
    return True


async def _gone(connections: Mapping[str, Connection]) -> Problem | None:
    """The host that no longer answers, as the problem that it is; None when all do."""
    answers = await asyncio.gather(*map(_answers, connections.values()))
    for connection, answered in zip(connections.values(), answers, strict=True):
        if not answered:
            return Problem("invalid", f"host {connection.host.name} stopped answering")
    return None


async def _answers(connection: Connection) -> bool:
    try:
        async with asyncio.timeout(RECONNECT_SECONDS):
            if not connection.alive:
                await connection.reopen()
            await connection.run(["true"])
    except (HostError, TimeoutError):
        return False
    return True


def _phase_at(phases: Sequence[Phase], at: float) -> Phase:
    return next((phase for phase in phases if at < phase.end), phases[-1])


def _as_driven(phases: Sequence[Phase], stopped: float) -> tuple[Phase, ...]:
    """The phases that really took place, the last one cut at `stopped`."""
    return tuple(
        replace(phase, end=min(phase.end, round(stopped, 3))) for phase in phases if phase.start < stopped
    )


HOPELESS_SECONDS = 30  # a baseline that gave no good answer for so long, under load, is not going to


LOST_SECONDS = 10  # a host that no scrape reached for so long is gone; one slow second is not


@dataclass(slots=True)
class Watch:
    """Looks at each second of a run; `second` gives the problem for which the run must stop, or None."""

    silent: int = 0

    def second(
        self, phase: Phase, good: int, missed: Mapping[str, int], hosts: Mapping[str, str]
    ) -> Problem | None:
        """One second of load on `phase` with `good` right answers.

        `missed` holds each arm's scrapes in a row that failed, `hosts` the arms' host names. Only the baseline's
        measured phases count towards hopelessness: a service may take its warm-up to come up.
        """
        for arm, count in missed.items():
            if count >= LOST_SECONDS:
                return Problem(
                    "invalid", f"host {hosts[arm]} stopped answering: its exporters were silent for {count} s"
                )
        counts = phase.kind == "measure" and phase.arm == "baseline"
        self.silent = self.silent + 1 if counts and not good else 0
        if self.silent < HOPELESS_SECONDS:
            return None
        return Problem(
            "invalid", f"the baseline gave no good answer for {self.silent} s under load; stopped early"
        )
