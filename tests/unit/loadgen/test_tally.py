"""Counts of several, merged: the same as if one had counted everything."""

from __future__ import annotations

import random

from loadgen.mix import Mix
from loadgen.plan import Plan
from loadgen.processor import NORMAL, Used
from loadgen.progress import Progress
from loadgen.request import Kind
from loadgen.result import Answer, Result
from loadgen.shard import Second, frame, opened
from loadgen.stats import Stats
from loadgen.tally import OTHER, Tally
from loadgen.template import Template

KINDS = (Kind("read"), Kind("write", "POST", (201,)))
PLAN = Plan("http://h/", 100, 10, mix=Mix([Template(kind, 1, "http://h/") for kind in KINDS], {}))
NOTHING = Progress(0, 0, 0, 0, 0, 0)


def results(count: int) -> list[Result]:
    """Of all kinds, by chance, always the same."""
    draw, found = random.Random(5), []  # noqa: S311
    for number in range(count):
        latency = round(draw.lognormvariate(9, 1.5))
        error = draw.choice([""] * 9 + ["timeout", "reset", "unsent"])
        answer = Answer(
            ended=number / 100,
            status=0 if error else draw.choice([200, 201, 500]),
            error=error,
            size=draw.randrange(5000),
            body_ok=draw.choice([None, True, True, False]),
            served_by=draw.choice(["", "blue", "green"]),
            why=f"{error} as always",
            read_late_us=draw.choice([-1, 0, 4000]),
        )
        found.append(
            Result(
                number / 100,
                draw.randrange(900),
                None if error else latency + 1000,
                answer,
                draw.choice([0, 0, 77]),
                draw.choice(KINDS),
            )
        )
    return found


def told(stats: Stats) -> dict[str, object]:
    return stats.summary(NOTHING, t0_unix=0.0, elapsed=10.0, used=Used(0, 0), scheduling=NORMAL)


def test_what_three_counted_is_merged_to_exactly_what_one_counts() -> None:
    everything = results(3000)
    one, merged = Stats(PLAN), Stats(PLAN)
    for result in everything:
        one.add(result)
    for number in range(3):
        shard = Stats(PLAN)
        for place, result in enumerate(everything[number::3]):
            shard.add(result)
            if place % 333 == 332 + number - 2:  # a second of its own length is over, and told
                said = opened(frame(Second(1.0, shard.take(NOTHING), NOTHING))[4:])
                assert isinstance(said, Second)
                merged.merge(said.tally)
        merged.merge(shard.take(NOTHING))
    whole = told(one)
    assert whole["completed"] == 3000 - whole["errors"]  # type: ignore[operator]
    assert {*whole["errors_by_kind"]} == {"timeout", "reset", "unsent"}  # type: ignore[misc]
    assert told(merged) == whole


def test_the_percentiles_of_a_merged_second_are_of_all_its_requests() -> None:
    one, merged = Stats(PLAN), Stats(PLAN)
    parts = [Stats(PLAN), Stats(PLAN)]
    for number, result in enumerate(results(500)):
        one.add(result)
        parts[number % 2].add(result)
    for part in parts:
        merged.merge(part.take(NOTHING))
    assert merged.second(1.0, NOTHING, 0) == one.second(1.0, NOTHING, 0)


def test_names_of_servers_stay_bounded_when_they_are_merged() -> None:
    whole, names = Tally(), set[str]()
    for shard in range(2):
        part = Tally()
        part.add(
            [Result(0, 0, 5, Answer(0, 200, served_by=f"{shard} {number}")) for number in range(30)], set()
        )
        whole.merge(part, names)
    assert len(whole.served_by) == 33
    assert whole.served_by[OTHER] == 28
    assert whole.served_by.total() == whole.good_by.total() == 60
