"""When requests are due: stages and ramps, Poisson arrivals, and a closed load of users."""

from __future__ import annotations

import asyncio
import itertools
import math
import statistics
import time

import pytest

from loadgen.arrivals import ClosedArrivals, Stage, poisson, staged
from loadgen.cli import USAGE, main
from loadgen.client import TaskClient
from loadgen.engine import Engine
from loadgen.plan import Plan
from loadgen.processor import NORMAL, Used
from loadgen.result import Answer, Result
from loadgen.stats import Stats

URL = "http://127.0.0.1:9/"  # nothing listens there


def counts(times: list[float], seconds: int) -> list[int]:
    """How many fall into each second."""
    return [sum(second <= t < second + 1 for t in times) for second in range(seconds)]


def test_stages_follow_each_other_at_their_rates() -> None:
    times = list(staged([Stage(2, 50, 50), Stage(1, 0, 0), Stage(2, 200, 200)]))
    assert counts(times, 5) == [50, 50, 0, 200, 200]
    assert times[100:103] == pytest.approx([3.0, 3.005, 3.01])


def test_a_ramp_grows_evenly_and_its_requests_lie_evenly() -> None:
    times = list(staged([Stage(4, 0, 80), Stage(4, 80, 0)]))
    assert counts(times, 8) == pytest.approx([10, 30, 50, 70, 70, 50, 30, 10], abs=1)
    assert times == sorted(times)
    assert len(times) == 320
    assert max(b - a for a, b in itertools.pairwise(times[100:220])) < 0.025


def test_a_second_of_a_thousand_requests_and_a_day_later_are_as_far_apart() -> None:
    stage = Stage(86_400, 1000, 1000)
    assert stage.reached(86_399_000) == pytest.approx(86_399.0, abs=1e-9)


def test_poisson_arrivals_of_a_seed_are_the_same_and_their_gaps_are_exponential() -> None:
    stages = [Stage(200, 50, 50)]
    times, gaps = list(poisson(stages, 1)), []
    assert times == list(poisson(stages, 1))
    assert times != list(poisson(stages, 2))
    assert len(times) == pytest.approx(10_000, abs=5 * math.sqrt(10_000))
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert statistics.pstdev(gaps) == pytest.approx(statistics.mean(gaps), rel=0.05)
    assert sum(gap > 0.06 for gap in gaps) / len(gaps) == pytest.approx(math.exp(-3), rel=0.1)


def test_poisson_arrivals_follow_stages() -> None:
    times = list(poisson([Stage(50, 0, 100), Stage(10, 0, 0), Stage(50, 100, 100)], 3))
    first, pause, last = (
        sum(t < 50 for t in times),
        sum(50 <= t < 60 for t in times),
        sum(t >= 60 for t in times),
    )
    assert pause == 0
    assert first == pytest.approx(2500, abs=5 * 50)
    assert last == pytest.approx(5000, abs=5 * 71)


def test_a_user_is_due_again_after_the_answer_and_the_pause() -> None:
    arrivals = ClosedArrivals(users=2, think=0.5, duration=2.0)
    due = []
    for _ in range(2):
        due.append(arrivals.next)
        arrivals.take()
    assert due == [0.0, 0.0]
    assert arrivals.next == math.inf, "both wait for an answer"
    arrivals.answered(0.3)
    assert arrivals.next == 0.8
    arrivals.take()
    arrivals.answered(1.6)  # would be due after the end
    assert arrivals.next == math.inf
    arrivals.answered(1.9)
    assert arrivals.next is None


class Users:
    """A server that knows how many requests it has at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.now = self.most = self.served = 0

    async def __call__(self, deadline: float, body_by: float) -> Answer:
        del deadline, body_by
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self._seconds)
        self.now -= 1
        self.served += 1
        return Answer(time.monotonic(), status=200)


def closed(plan: Plan, server: Users) -> list[Result]:
    async def go() -> list[Result]:
        kept: list[Result] = []
        engine = Engine(plan, TaskClient(server), kept.append)
        await engine.run(time.monotonic() + 0.01)
        assert engine.progress.scheduled == len(kept)
        return kept

    return asyncio.run(go())


def test_a_closed_load_has_as_many_requests_at_once_as_users_and_ends() -> None:
    server = Users(0.05)
    kept = closed(Plan("http://h/", rate=0, duration=0.6, users=3, connections=3), server)
    assert server.most == 3
    assert 3 < server.served == len(kept) <= 3 * 0.6 / 0.05 + 3
    assert max(result.t for result in kept) < 0.6
    assert {result.waited_us for result in kept} == {0}


def test_a_user_thinks_between_two_requests() -> None:
    kept = closed(Plan("http://h/", rate=0, duration=1.0, users=1, think=0.3, connections=1), Users(0.0))
    times = [result.t for result in kept]
    assert 2 <= len(times) <= 4
    assert all(b - a >= 0.3 for a, b in itertools.pairwise(times))


def test_a_closed_load_is_called_closed_and_one_that_takes_a_whole_core_is_invalid() -> None:
    plan = Plan("http://h/", rate=0, duration=10, users=4, connections=4)
    told = [
        Stats(plan).summary(
            Engine(plan, TaskClient(Users(0)), lambda _: None).progress,
            t0_unix=0,
            elapsed=10,
            used=Used(cpu, 0.0),
            scheduling=NORMAL,
        )
        for cpu in (5.0, 9.5)
    ]
    assert told[0]["arrivals"].startswith("closed: 4 users")
    assert told[0]["rate"] is None
    assert [each["valid"] for each in told] == [True, False]
    assert "the rate may be its own" in told[1]["reason"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--users=3", "--rate=5"], "--users and --rate"),
        (["--users=3", "--stage=5s@5"], "--users and --stage"),
        (["--users=3", "--arrivals=poisson"], "--users and --arrivals"),
        (["--users=3", "--phase-end=5s"], "a closed load has no phases"),
        (["--stage=5s@5", "--duration=5s"], "--stage and --duration"),
        (["--stage=5s@0"], "no request is due"),
        (["--stage=20h@1", "--stage=5h@1"], "more than 24h"),
        (["--stage=5s"], "is not a stage such as"),
        (["--stage=5s@1..nan"], "is not a stage such as"),
        (["--stage=5s@1e9"], "is not a stage such as"),
        (["--seed=5"], "--seed is for --arrivals poisson"),
        (["--think=5s"], "--think is for --users"),
    ],
)
def test_loads_that_do_not_go_together_are_one_line(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([URL, *options]) == USAGE
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
