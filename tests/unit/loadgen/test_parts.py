"""A load that is divided: its parts together are the load."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from loadgen.arrivals import Stage
from loadgen.mix import Mix
from loadgen.plan import Plan
from loadgen.request import Kind
from loadgen.template import Template
from loadgen.values import Numbers, Rows

MIX = Mix(
    [
        Template(Kind("read"), 3, "http://h/items/{{item}}"),
        Template(Kind("write", "POST"), 1, "http://h/items/{{item}}/{{user.name}}"),
        Template(Kind("home"), 2, "http://h/"),
    ],
    {
        "item": Numbers("item", 1, 50, "in_order"),
        "user": Rows([{"user.name": "a"}, {"user.name": "b"}, {"user.name": "c"}], "random"),
    },
)
RAMP = (Stage(2, 10, 50), Stage(1, 0, 0), Stage(2, 50, 50))


def sent(plan: Plan) -> list[tuple[float, str, str]]:
    """When each request of a plan is due, and what it is."""
    arrivals, asked, found = plan.arrivals(), plan.requests(), []
    while arrivals.next is not None:
        request = next(asked)
        found.append((arrivals.next, request.kind.name, request.url))
        arrivals.take()
    return found


@pytest.mark.parametrize("parts", [2, 3, 7])
@pytest.mark.parametrize(
    "load",
    [
        {"rate": 33},
        {"rate": 33, "stages": RAMP},
        {"rate": 33, "seed": 7},
        {"rate": 33, "seed": 7, "stages": RAMP},
        {"rate": 2, "times": (0.0, 0.0, 0.4, 1.5, 2.0)},
        {"rate": 33, "mix": MIX},
        {"rate": 33, "mix": MIX, "seed": 7},
    ],
    ids=["constant", "stages", "Poisson", "Poisson in stages", "recorded", "mix", "mix, Poisson"],
)
def test_the_parts_of_an_open_load_together_send_what_one_loader_sends(
    load: dict[str, Any], parts: int
) -> None:
    plan = Plan("http://h/", duration=5, **load)
    whole = sent(plan)
    divided = [sent(part) for part in plan.divided(parts)]
    turns = [each for turn in itertools.zip_longest(*divided) for each in turn if each is not None]
    assert turns == whole
    assert len(whole) >= 5


def test_connections_and_users_are_divided() -> None:
    parts = Plan("http://h/", 0, 5, users=11, connections=11).divided(3)
    assert [(part.users, part.connections) for part in parts] == [(4, 4), (4, 4), (3, 3)]


@pytest.mark.parametrize(
    ("plan", "until", "count"),
    [
        (Plan("http://h/", 33, 5, stages=RAMP), 2.5, 60),
        (Plan("http://h/", 33, 5, stages=RAMP), 9, 160),
        (Plan("http://h/", 2, 5, times=(0.0, 0.0, 0.4, 1.5, 2.0)), 1.5, 3),
        (Plan("http://h/", 33, 5, seed=3), 1, 33),
    ],
    ids=["within a pause", "after the end", "recorded", "Poisson"],
)
def test_how_much_falls_due_until_then(plan: Plan, until: float, count: float) -> None:
    assert plan.due(until) == pytest.approx(count)
