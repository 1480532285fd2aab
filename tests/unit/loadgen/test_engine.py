"""The open loop where connections are few: what waits, what is not sent, and that no phase spills into the next."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from loadgen.client import TaskClient
from loadgen.engine import Engine
from loadgen.plan import Plan
from loadgen.result import Answer, Result

Serve = Callable[
    [float, float, float], Awaitable[Answer]
]  # (when it was sent, deadline, body_by), all monotonic


def results(plan: Plan, serve: Serve) -> list[Result]:
    """What becomes of a plan's requests, in the order in which they were due."""

    async def go() -> list[Result]:
        kept: list[Result] = []

        async def send(deadline: float, body_by: float) -> Answer:
            return await serve(time.monotonic(), deadline, body_by)

        await Engine(plan, TaskClient(send), kept.append).run(time.monotonic() + 0.05)
        return sorted(kept, key=lambda result: result.t)

    return asyncio.run(go())


async def hang(_: float, deadline: float, __: float) -> Answer:
    await asyncio.sleep(deadline - time.monotonic())
    return Answer(time.monotonic(), error="timeout")


def served_in(seconds: float) -> Serve:
    async def serve(_: float, __: float, ___: float) -> Answer:
        await asyncio.sleep(seconds)
        return Answer(time.monotonic(), status=200)

    return serve


def test_what_waits_is_told_apart_from_what_the_server_takes() -> None:
    plan = Plan("http://h/", rate=100, duration=0.05, connections=1)
    kept = results(plan, served_in(0.2))

    assert [result.answer.error for result in kept] == [""] * 5
    assert kept[0].waited_us == 0
    for before, result in itertools.pairwise(kept):
        assert result.waited_us >= before.waited_us + 150_000, "each waited for all before it"
        assert (result.latency_us or 0) >= result.waited_us + 200_000, "and its wait is part of its latency"


def test_what_can_no_longer_be_answered_in_time_is_not_sent() -> None:
    """One connection, answers after 0.2 s: of 20 requests due at once, about 5 can be answered within 1.1 s."""
    plan = Plan("http://h/", rate=1000, duration=0.02, connections=1, timeout=1.1)
    kept = results(plan, served_in(0.2))

    kinds = Counter(result.answer.error for result in kept)
    assert set(kinds) == {"", "unsent"}
    assert 1 <= kinds[""] <= 5
    assert all(result.waited_us > 500_000 for result in kept if result.answer.error == "unsent")


def test_a_server_that_hangs_is_still_asked() -> None:
    """Each connection that becomes free takes a request that is due then, and not one that has no time left."""
    plan = Plan("http://h/", rate=50, duration=1, connections=2, timeout=0.2)
    kept = results(plan, hang)

    assert {result.answer.error for result in kept} == {"timeout", "unsent"}
    assert [result.t for result in kept if result.answer.error == "timeout"][-1] > 0.5


def test_a_phase_ends_with_its_backlog_and_the_next_has_connections_of_its_own() -> None:
    """The server hangs in the first phase only."""
    began = time.monotonic() + 0.05

    async def serve(sent: float, deadline: float, body_by: float) -> Answer:
        if sent < began + 0.4:
            return await hang(sent, deadline, body_by)
        return Answer(time.monotonic(), status=200)

    plan = Plan("http://h/", rate=50, duration=0.8, connections=4, timeout=5.0, phase_ends=(0.4,))
    kept = results(plan, serve)

    first, second = ([result for result in kept if (result.t < 0.4) is early] for early in (True, False))
    assert [result.answer.error for result in first] == ["timeout"] * 4 + ["unsent"] * 16
    assert [(result.answer.error, result.waited_us) for result in second] == [("", 0)] * 20


def test_a_body_has_a_second_after_the_end_of_its_phase() -> None:
    asked = []

    async def serve(sent: float, _: float, body_by: float) -> Answer:
        asked.append(body_by - sent)
        return Answer(time.monotonic(), status=200)

    results(Plan("http://h/", rate=10, duration=0.5, phase_ends=(0.2,)), serve)
    assert [left < 1.21 for left in asked[:2]] == [True, True]
    assert asked[2:] == [float("inf")] * 3
