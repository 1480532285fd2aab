"""A divided run from the side that merges it: shards of this process, whose answers take as long as a test says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import pytest

import loadgen.sending
from loadgen.client import Client, Done
from loadgen.divided import run_divided
from loadgen.mix import Mix
from loadgen.plan import Plan
from loadgen.processor import NORMAL, Used
from loadgen.progress import Progress
from loadgen.record import Recorder
from loadgen.request import Kind, Request
from loadgen.result import Answer, Result
from loadgen.run import run
from loadgen.sending import Sending
from loadgen.shard import Ended, Failed, Message, Ready, Rows, Second, ShardError, frame, opened, version
from loadgen.stats import Stats
from loadgen.tally import Tally
from loadgen.template import Template
from loadgen.values import Numbers

NUMBERED = Mix([Template(Kind("n"), 1, "http://h/{{n}}")], {"n": Numbers("n", 0, 10**6, "in_order")})


def seconds_of(url: str) -> float:
    """How long the request of a number takes: from 20 ms to 4 s, most of them little."""
    number = int(url.rpartition("/")[2])
    return 0.02 + 4 * ((number * 7919) % 1000 / 1000) ** 6


class Computed:
    """A client whose answers took what follows from the request, whenever they come."""

    def __init__(self, plan: Plan) -> None:
        self._timeout = plan.timeout

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def send(self, deadline: float, body_by: float, done: Done, asked: Request | None = None) -> None:  # noqa: ARG002
        assert asked is not None
        answer = Answer(deadline - self._timeout + seconds_of(asked.url), status=200)
        asyncio.get_running_loop().call_soon(done, answer)

    def abort(self) -> None:
        pass


class Here:
    """Shards that are tasks of this process, and say what they do as children would."""

    lead = 0.05

    def __init__(self, parts: Sequence[Plan]) -> None:
        self.where = [f"task {number}" for number in range(len(parts))]
        self._parts = parts
        self._said: asyncio.Queue[tuple[int, Message]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Here:
        for number in range(len(self._parts)):
            self.say(number, Ready(version()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()

    def say(self, number: int, message: Message) -> None:
        self._said.put_nowait((number, opened(frame(message)[4:])))

    async def next(self) -> tuple[int, Message]:
        return await self._said.get()

    async def begin(self, start_at: float) -> None:
        self._tasks = [
            asyncio.create_task(self.work(number, plan, start_at)) for number, plan in enumerate(self._parts)
        ]

    async def work(self, number: int, plan: Plan, start_at: float) -> None:
        observer = Observer(plan, lambda message: self.say(number, message))
        sent = await Sending(plan, observer).run(start_at=start_at)
        observer.second(sent.elapsed, sent.progress, 0.0)
        self.say(number, Ended(sent.elapsed, sent.progress, sent.used, sent.scheduling, None, None))

    async def stop(self) -> None:
        raise AssertionError

    def facts(self, number: int) -> dict[str, object]:
        return {"fact": number}


class Observer:
    def __init__(self, plan: Plan, say: Callable[[Message], None]) -> None:
        self._stats = Stats(plan)
        self._say = say
        self.add = self._stats.add

    def started(self, t0_unix: float, t0: float) -> None:
        pass

    def second(self, t: float, progress: Progress, busy: float) -> None:
        self._say(Second(t, self._stats.take(progress, busy), progress))


class Scripted(Here):
    """Shards that say what the test has for each, and nothing else."""

    def __init__(self, plan: Plan, script: Sequence[Sequence[Message]]) -> None:
        super().__init__(plan.divided(len(script)))
        self._script = script

    async def work(self, number: int, plan: Plan, start_at: float) -> None:  # noqa: ARG002
        for message in self._script[number]:
            self.say(number, message)


def told(plan: Plan, shards: Here) -> dict[str, Any]:
    """The summary of a divided run."""
    return asyncio.run(run_divided(plan, Recorder(), lambda _: None, shards=shards, signals=()))


def test_three_shards_have_the_percentiles_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly: latency follows from the request here, and not from the machine."""
    monkeypatch.setattr(loadgen.sending, "client_for", Computed)
    plan = Plan("http://h/", rate=500, duration=1.2, mix=NUMBERED, timeout=30.0, seed=3)
    one = asyncio.run(run(plan, Recorder(), lambda _: None, signals=()))
    three = told(plan, Here(plan.divided(3)))
    assert three["completed"] == one["completed"] > 500
    assert three["latency_ms"] == one["latency_ms"]
    assert three["by_request"] == one["by_request"]
    in_order = sorted(seconds_of(f"/{number}") * 1000 for number in range(one["completed"]))
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        assert three["latency_ms"][name] == pytest.approx(in_order[int(share * len(in_order))], rel=0.01)
    assert [shard["fact"] for shard in three["shards"]] == [0, 1, 2]


def progress(scheduled: int, in_flight: int = 0) -> Progress:
    return Progress(scheduled, scheduled, 0, in_flight, 0, 0)


def ended(scheduled: int, reason: str | None = None) -> Ended:
    return Ended(10.0, progress(scheduled), Used(0.1, 0.2), NORMAL, reason, None)


@pytest.mark.parametrize(
    ("heard", "says"),
    [
        (
            Second(3.999, Tally(), progress(200, in_flight=5)),
            "shard 2 of 2 (task 1) was lost (gone): of it seconds 5 to 10 are missing, 305 of its 500 requests",
        ),
        (
            Second(9.5, Tally(), progress(475, in_flight=5)),
            "shard 2 of 2 (task 1) was lost (gone): of it second 10 is missing, 30 of its 500 requests",
        ),
        (
            Second(10.2, Tally(), progress(500, in_flight=60)),
            "shard 2 of 2 (task 1) was lost (gone): it had sent all, and what became of the last 60 is not known",
        ),
    ],
)
def test_a_lost_shard_is_named_with_its_seconds_and_the_run_is_invalid(heard: Second, says: str) -> None:
    plan = Plan("http://h/", rate=100, duration=10)
    summary = told(plan, Scripted(plan, [[ended(500)], [heard, Failed("gone")]]))
    assert (summary["valid"], summary["reason"]) == (False, says)
    assert [shard["lost"] for shard in summary["shards"]] == [None, says]


def test_of_a_closed_load_seconds_are_missing_and_no_number_of_requests() -> None:
    plan = Plan("http://h/", rate=0, duration=10, users=4, connections=4)
    heard = Second(4.0, Tally(), progress(7))
    summary = told(plan, Scripted(plan, [[ended(20)], [heard, Failed("gone")]]))
    assert summary["reason"].endswith("(gone): of it seconds 5 to 10 are missing")


def test_the_last_hundredth_may_be_lost_and_is_named() -> None:
    plan = Plan("http://h/", rate=100, duration=10)
    heard = Second(9.9, Tally(), progress(495, in_flight=2))
    summary = told(plan, Scripted(plan, [[ended(500)], [heard, Failed("gone")]]))
    assert (summary["valid"], summary["reason"]) == (True, None)
    assert summary["shards"][1]["lost"].endswith("second 10 is missing, 7 of its 500 requests")


def test_each_shard_that_was_starved_is_named_and_many_are_counted() -> None:
    plan = Plan("http://h/", rate=100, duration=10)
    summary = told(plan, Scripted(plan, [[ended(100, "late")]] * 4 + [[ended(100)]]))
    assert summary["reason"] == (
        "shard 1 of 5 (task 0): late; shard 2 of 5 (task 1): late; shard 3 of 5 (task 2): late; "
        "and so 1 more shards"
    )
    assert [shard["valid"] for shard in summary["shards"]] == [False] * 4 + [True]
    assert (summary["cpu_s"], summary["cpu_wait_s"], summary["scheduled"]) == (0.5, 1.0, 500)


def test_rows_of_a_second_that_was_not_told_are_not_kept() -> None:
    """Else a file of requests would have more than the summary."""
    kept: list[Result] = []

    class Keeping(Recorder):
        def add(self, result: Result) -> None:
            kept.append(result)

    row = Rows.of([Result(0.5, 1, 2000, Answer(7.5, status=200))], t0=7.0)
    plan = Plan("http://h/", rate=100, duration=10)
    shards = Scripted(plan, [[row, Second(1.0, Tally(), progress(1)), ended(1)], [row, Failed("gone")]])
    asyncio.run(run_divided(plan, Keeping(), lambda _: None, shards=shards, signals=()))
    assert kept == [Result(0.5, 1, 2000, Answer(0.5, status=200), kind=kept[0].kind)]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Failed("no memory"), "shard 1 of 1 (task 0) did not begin: no memory"),
        (
            Ready("of before"),
            "shard 1 of 1 (task 0) has another version of the loader: install this one there",
        ),
    ],
)
def test_a_run_does_not_begin_without_all_its_shards(message: Message, says: str) -> None:
    class Unready(Here):
        async def __aenter__(self) -> Here:
            self.say(0, message)
            return self

    plan = Plan("http://h/", rate=100, duration=10)
    with pytest.raises(ShardError) as refused:
        told(plan, Unready([plan]))
    assert str(refused.value) == says


def test_a_start_that_is_past_when_all_are_ready_is_refused() -> None:
    plan = Plan("http://h/", rate=100, duration=10)
    with pytest.raises(ShardError, match="--start-at"):
        asyncio.run(
            run_divided(
                plan, Recorder(), lambda _: None, shards=Here([plan]), start_at=time.time() - 1, signals=()
            )
        )
