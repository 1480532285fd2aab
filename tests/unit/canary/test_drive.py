"""When a run stops before its schedule ends, and where the load goes meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.canary.drive import Measurement, direct, drive_load
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

    class OneSecond:
        summary = None

        async def start(self) -> float:
            return 0.0

        async def events(self) -> AsyncIterator[dict[str, Any]]:
            counts = {
                "status": {},
                "wrong_bodies": 0,
                "errors": 2,
                "completed": 0,
                "good_by": {},
                "served_by": {},
            }
            yield {"t": 1.0, "errors_by_kind": {error: 2}, "examples": {error: why}, **counts}
            raise AssertionError("the run went on")

        async def stop(self) -> None:
            pass

    async def forever(*_: object) -> None:
        await asyncio.Event().wait()

    setup: Any = SimpleNamespace(
        loader=OneSecond(),
        phases=[BASELINE, CANARY],
        proxy=FakeProxy().proxy,
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
    assert measurement.problem == Problem("invalid", said)
