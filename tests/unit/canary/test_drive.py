"""When a run stops before its schedule ends, and where the load goes meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.canary.drive import Measurement, direct, drive_load
from pipeline.canary.proxy import Proxy
from pipeline.canary.schedule import concurrent, interleaved, phased
from pipeline.judge.evidence import Problem
from pipeline.runs.phases import Phase, under_way
from tests.support.fake_haproxy import FakeProxy

BASELINE = Phase("baseline", "measure", 0, 300)
CANARY = Phase("canary", "measure", 300, 600)


@pytest.mark.parametrize(
    ("phases", "share", "active"),
    [
        (phased(60, 5), None, ["blue", "blue", "green", "green"]),
        (
            interleaved(12, 5),
            None,
            ["blue", "green", "blue", "blue", "green", "green", "green", "blue", "blue"],
        ),
        (concurrent(60, 5), 0.25, ["both", "both"]),
    ],
)
def test_the_load_goes_to_the_colour_whose_phase_it_is_or_to_both(
    phases: Sequence[Phase], share: float | None, active: list[str]
) -> None:
    haproxy = FakeProxy()

    async def follow() -> list[str]:
        seen = []
        for start in sorted({phase.start for phase in phases}):
            await direct(haproxy.proxy, under_way(phases, start), share)
            seen.append(await haproxy.proxy.active())
        return seen

    assert asyncio.run(follow()) == active
    assert haproxy.maps["/etc/haproxy/share.map"] == {"green": "0" if share is None else "250000"}


SECOND = {
    "t": 0.0,
    "status": {},
    "wrong_bodies": 0,
    "errors": 0,
    "completed": 0,
    "good_by": {},
    "served_by": {},
    "errors_by_kind": {},
    "examples": {},
}


class Loader:
    """One that begins at once; what it sends is a test's."""

    summary = None

    async def start(self) -> float:
        return time.time()

    async def stop(self) -> None:
        pass


def driven(loader: Loader, phases: Sequence[Phase], proxy: Proxy | None = None) -> Measurement:
    """What came of the load, where the hosts are well."""

    async def forever(*_: object) -> None:
        await asyncio.Event().wait()

    setup: Any = SimpleNamespace(
        loader=loader,
        phases=phases,
        proxy=proxy or FakeProxy().proxy,
        collector=SimpleNamespace(run=forever, latest={}, missed={}),
        connections={},
        expected_status=(200,),
        share=None,
        network=None,
        unanswered={},
        early_stop=SimpleNamespace(run=forever, so_far="", forecast="", end=None),
        display=SimpleNamespace(shown=contextlib.nullcontext, second=lambda _: None),
    )
    measurement = Measurement()
    asyncio.run(drive_load(setup, measurement))
    return measurement


@pytest.mark.parametrize(
    ("error", "why", "said"),
    [
        (
            "protocol",
            "a header that is not valid",
            "the loader could not read 2 answers: a header that is not valid",
        ),
        (
            "exhausted",
            "no local port was left",
            "the loader could not send 2 requests: no local port was left",
        ),
    ],
)
def test_what_the_loader_itself_fails_at_ends_the_run_as_invalid(error: str, why: str, said: str) -> None:
    """It is not the baseline's silence and not the canary's error."""

    class OneSecond(Loader):
        async def events(self) -> AsyncIterator[dict[str, Any]]:
            yield {**SECOND, "t": 1.0, "errors": 2, "errors_by_kind": {error: 2}, "examples": {error: why}}
            raise AssertionError("the run went on")

    measurement = driven(OneSecond(), [BASELINE, CANARY])
    assert measurement.problem == Problem("invalid", said)


def test_a_loader_that_is_done_before_the_schedule_s_end_does_not_shorten_the_last_phase() -> None:
    """One request a second: the last is due, and answered, nearly a second before the end."""

    class Soon(Loader):
        async def events(self) -> AsyncIterator[dict[str, Any]]:
            yield SECOND

    phases = [Phase("baseline", "measure", 0, 0.3), Phase("canary", "measure", 0.3, 0.6)]
    measurement = driven(Soon(), phases)
    assert measurement.problem is None
    assert measurement.phases == tuple(phases)


def test_a_clock_that_is_set_back_during_the_load_lengthens_no_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch to the canary, and the end, come when they were planned, an hour of the wall's clock early."""
    phases = [Phase("baseline", "measure", 0, 0.3), Phase("canary", "measure", 0.3, 0.6)]
    switched: list[str] = []

    class Soon(Loader):
        async def events(self) -> AsyncIterator[dict[str, Any]]:
            right = time.time
            monkeypatch.setattr(time, "time", lambda: right() - 3600)
            yield SECOND
            await asyncio.sleep(0.4)
            switched.append(await proxy.active())

    proxy = FakeProxy().proxy
    began = time.monotonic()
    measurement = driven(Soon(), phases, proxy)
    assert switched == ["green"]
    assert measurement.phases == tuple(phases)
    assert time.monotonic() - began < 60
