"""When a run stops before its schedule ends, and where the load goes meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.canary.drive import (
    HOPELESS_SECONDS,
    LOST_SECONDS,
    Measurement,
    Watchdog,
    direct,
    drive_load,
)
from pipeline.canary.schedule import concurrent, interleaved, phased
from pipeline.judge.evidence import Problem
from pipeline.runs.phases import Phase, under_way
from tests.support.fake_haproxy import FakeProxy

HOSTS = {"baseline": "blue", "canary": "green", "proxy": "proxy"}
FINE = dict.fromkeys(HOSTS, 0)
BASELINE = Phase("baseline", "measure", 0, 300)
CANARY = Phase("canary", "measure", 300, 600)


def seconds(watchdog: Watchdog, phase: Phase | Sequence[Phase], good: int, count: int) -> Problem | None:
    phases = [phase] if isinstance(phase, Phase) else phase
    problem = None
    for _ in range(count):
        problem = problem or watchdog.check_second(phases, good, FINE, HOSTS)
    return problem


def test_a_canary_without_a_good_answer_is_the_judges_to_decide() -> None:
    assert seconds(Watchdog(), CANARY, 0, HOPELESS_SECONDS + 1) is None


def test_a_baseline_without_a_good_answer_makes_the_run_invalid() -> None:
    problem = seconds(Watchdog(), BASELINE, 0, HOPELESS_SECONDS)
    assert problem is not None
    assert problem.effect == "invalid"


def test_one_good_answer_gives_it_time_again() -> None:
    watchdog = Watchdog()
    assert seconds(watchdog, BASELINE, 0, HOPELESS_SECONDS - 1) is None
    assert seconds(watchdog, BASELINE, 1, 1) is None
    assert seconds(watchdog, BASELINE, 0, HOPELESS_SECONDS - 1) is None


def test_a_baseline_that_is_silent_beside_a_canary_that_answers_makes_the_run_invalid() -> None:
    both = concurrent(300, 15)[2:]
    assert seconds(Watchdog(), both, 0, HOPELESS_SECONDS - 1) is None
    problem = seconds(Watchdog(), both, 0, HOPELESS_SECONDS)
    assert problem is not None
    assert problem.effect == "invalid"


def test_a_warmup_does_not_count() -> None:
    assert seconds(Watchdog(), Phase("baseline", "warmup", 0, 60), 0, 60) is None


def test_a_host_whose_exporters_fell_silent_makes_the_run_invalid_and_is_named() -> None:
    problem = Watchdog().check_second([CANARY], 50, {**FINE, "proxy": LOST_SECONDS}, HOSTS)
    assert problem is not None
    assert problem.effect == "invalid"
    assert "host proxy" in problem.message


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
            counts = {"status": {}, "wrong_bodies": 0, "errors": 2, "completed": 0, "good_by": {}}
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
        collector=SimpleNamespace(run=forever, latest={}, missed=FINE),
        connections={},
        expected_status=(200,),
        share=None,
        network=None,
        early_stop=SimpleNamespace(run=forever, so_far="", forecast="", end=None),
        display=SimpleNamespace(shown=contextlib.nullcontext, second=lambda _: None),
    )
    measurement = Measurement()
    asyncio.run(drive_load(setup, measurement))
    assert measurement.problem == Problem("invalid", said)
