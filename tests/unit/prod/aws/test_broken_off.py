"""Whatever call a command breaks off at: the next one finishes it, and nothing is there twice.

Each test runs a command again and again, and breaks it off at its first call that changes anything: the call is done,
its answer gets lost. So every state that a broken command can leave is one that the next run begins with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.aws_server import FULL, NOTHING, Broken, World

CHANGED: dict[str, Any] = {
    "checkbox": {"count": 2, "type": "t3.medium"},
    "itrust": {"count": 0},
    "monitor": "none",
}


def broken_off_everywhere(world: World, command: Callable[[], object], most: dict[str, int]) -> int:
    """How often `command` broke off until it had nothing left to change; at no time is there more than `most`."""
    for times in itertools.count():
        world.break_at = "change"
        try:
            command()
        except Broken:
            world.break_at = ""
            assert all(number <= most[kind] for kind, number in world.count().items()), (
                f"after {times + 1} breaks"
            )
        else:
            world.break_at = ""
            return times
    raise AssertionError("unreachable")


def test_an_up_from_nothing(world: World) -> None:
    assert broken_off_everywhere(world, world.up, FULL) == 17
    assert world.count() == FULL


def test_a_change_of_size_count_and_monitor(world: World) -> None:
    world.up()
    assert broken_off_everywhere(world, lambda: world.up(**CHANGED), {**FULL, "hosts": 4}) == 8
    assert world.count() == {**FULL, "groups": 1, "hosts": 2}


def test_a_down(world: World) -> None:
    world.up()
    assert broken_off_everywhere(world, world.down, FULL) == 11
    assert world.count() == NOTHING
    assert not world.inventory.exists()


def test_what_breaks_off_while_it_looks_has_changed_nothing(world: World) -> None:
    world.break_at = "look"
    with pytest.raises(Broken):
        world.up()
    world.break_at = ""
    assert world.done() == []


def test_two_networks_of_one_environment_become_one_again(world: World) -> None:
    """CreateVpc and CreateInternetGateway take no token: a retry whose first answer got lost makes two."""
    from pipeline.prod.aws.tags import specification

    world.up()
    tags = [specification("vpc", "production", "production")]
    world.aws.client.create_vpc(CidrBlock="10.83.0.0/24", TagSpecifications=tags)
    tags = [specification("internet-gateway", "production", "production")]
    world.aws.client.create_internet_gateway(TagSpecifications=tags)
    plan = world.up()
    assert [(change.action, change.kind) for change in plan.changes] == [
        ("remove", "internet gateway"),
        ("remove", "VPC"),
    ]
    assert world.count() == FULL


@pytest.mark.parametrize(
    "operation", ["AttachInternetGateway", "AssociateRouteTable", "DetachInternetGateway", "DeleteVpc"]
)
def test_a_call_that_botocore_repeats_since_its_answer_got_lost_has_happened(
    world: World, operation: str
) -> None:
    times: list[Any] = []

    def lose(response: Any, **_: Any) -> float | None:
        times.append(response)
        return 0.0 if len(times) == 1 else None  # repeat at once what the server did well

    world.aws.client.meta.events.register(f"needs-retry.ec2.{operation}", lose)
    world.up()
    world.down()
    assert len(times) == 2
    assert world.count() == NOTHING
