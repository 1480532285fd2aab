"""The hosts of `canary --cloud aws`: beside production's, in its network, and gone after the run. Against moto."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from pipeline.base.errors import EnvironmentError_, HostError, UsageError
from pipeline.base.interrupt import unify_signals
from pipeline.prod.aws.keys import key_path
from pipeline.prod.aws.tags import specification
from pipeline.prod.plan_text import plan_lines
from tests.support.aws_server import FULL, HERE, NOTHING, Broken, World

ALONE = FULL  # three hosts and three groups, as production has


def rules(world: World) -> dict[str, set[tuple[int, str]]]:
    """By role: each open port and from where, a group by its role."""
    groups = world.aws.ours("describe_security_groups", "SecurityGroups")
    roles = {group["GroupId"]: group["GroupName"].rpartition("-")[2] for group in groups}
    return {
        roles[group["GroupId"]]: {
            (permission["FromPort"], source)
            for permission in group["IpPermissions"]
            for source in (
                *(each["CidrIp"] for each in permission["IpRanges"]),
                *(roles[each["GroupId"]] for each in permission["UserIdGroupPairs"]),
            )
        }
        for group in groups
    }


def test_three_hosts_are_there_for_the_time_of_the_run_and_nothing_is_left(world: World) -> None:
    made = world.canary()
    assert world.count() == NOTHING, "planning makes nothing"
    with made.made() as inventory:
        assert world.count() == ALONE
        assert {group: [host.name for host in found] for group, found in inventory.groups.items()} == {
            "proxy": ["proxy"], "blue": ["blue"], "green": ["green"],
        }  # fmt: skip
    assert made.gone
    assert world.count() == NOTHING


def test_load_goes_to_the_proxys_public_address_and_the_proxys_own_to_private_ones(world: World) -> None:
    with world.canary().made() as inventory:
        proxy, blue = inventory.one("proxy"), inventory.one("blue")
        assert proxy.private_address == proxy.address
        assert blue.private_address.startswith("10.83.0.")
        assert (blue.user, blue.data) == ("admin", {"environment": "production"})


def test_only_the_proxy_reaches_the_service_and_only_from_here_the_proxy_is_reached(world: World) -> None:
    with world.canary(port=8000).made():
        assert rules(world) == {
            "proxy": {(22, HERE), (8080, HERE)},
            "blue": {(22, HERE), (8000, "proxy")},
            "green": {(22, HERE), (8000, "proxy")},
        }


def test_production_is_left_alone_and_lends_its_network_and_its_key(world: World) -> None:
    world.up()
    before = [machine.identifier for machine in world.cloud().machines()]
    inventory = world.inventory.read_text()
    world.done()
    made = world.canary()
    with made.made():
        assert world.done() == [
            *["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"] * 3, *["RunInstances"] * 3,
        ]  # fmt: skip
        assert world.count() == {**FULL, "groups": 6, "hosts": 6}
        assert [machine.name for machine in world.cloud().machines()] == [
            "blue", "checkbox-1", "green", "itrust-1", "monitor", "proxy",
        ], "`prod status` shows what costs money"  # fmt: skip
        assert world.up().changes == (), "an `up` beside a run leaves the run's hosts alone"
        world.done()
    assert world.done() == ["TerminateInstances", *["DeleteSecurityGroup"] * 3]
    assert [machine.identifier for machine in world.cloud().machines()] == before
    assert world.inventory.read_text() == inventory


def test_kept_hosts_serve_the_next_run_and_go_with_prod_down(world: World) -> None:
    with world.canary(keep=True).made() as inventory:
        first = inventory.one("blue").address
    assert world.count() == ALONE
    world.done()
    again = world.canary(keep=True, port=8000)
    assert [change.kind for change in again.plan.changes] == ["security group"] * 2
    with again.made() as inventory:
        assert inventory.one("blue").address == first
    assert rules(world)["green"] == {(22, HERE), (8000, "proxy")}, "another service has another port"
    world.down()
    assert world.count() == NOTHING


def test_the_plan_has_the_price_of_the_run_and_what_becomes_of_the_hosts(world: World) -> None:
    made = world.canary(canary={"type": "t3.medium"})
    text = " ".join(" ".join(plan_lines(made.plan)).split())
    assert "canary of production, aws eu-central-1" in text
    assert "It costs about $0.126 an hour ($0.031 for the 15 minutes that this may take)." in text
    assert "They go after the run." in text
    kept = " ".join(" ".join(plan_lines(world.canary(keep=True).plan)).split())
    assert "a month)" in kept
    assert "They stay, and are paid for, until pipeline prod down --canary." in kept


def test_a_run_that_breaks_off_anywhere_leaves_nothing(world: World) -> None:
    def unreachable(*_: object) -> None:
        raise HostError("blue", "SSH does not work")

    with pytest.raises(HostError), world.canary(wait=unreachable).made():
        raise AssertionError("the run does not begin")
    assert world.count() == NOTHING
    with pytest.raises(RuntimeError), world.canary().made():
        raise RuntimeError
    assert world.count() == NOTHING


def test_what_is_refused_half_way_is_told_and_what_was_made_goes(world: World) -> None:
    made = world.canary()

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["TagSpecifications"][0]["Tags"][0]["Value"] == "production-green":
            raise EnvironmentError_("this account's quota is used up")

    world.aws.client.meta.events.register("provide-client-params.ec2.RunInstances", refuse)
    with pytest.raises(EnvironmentError_, match="quota"), made.made():
        raise AssertionError("the run does not begin")
    assert world.count() == NOTHING
    assert made.gone


def test_ctrl_c_while_an_instance_is_made_lets_that_call_end_so_that_the_instance_is_found(
    world: World,
) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    unify_signals()
    counted: list[int] = []

    def strike(**_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        counted.append(1)

    world.aws.client.meta.events.register("before-send.ec2.RunInstances", strike)
    with pytest.raises(KeyboardInterrupt), world.canary().made():
        raise AssertionError("the run does not begin")
    unify_signals()  # what was held back is over
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert counted == [1], "no other instance was begun"
    assert world.count() == NOTHING


def test_an_instance_that_ec2_does_not_show_yet_is_waited_for_and_removed(world: World) -> None:
    hidden = [2]

    def hide(parsed: dict[str, Any], **_: Any) -> None:
        if hidden[0]:
            hidden[0] -= 1
            parsed["Reservations"] = []

    def fail(*_: object) -> None:
        world.aws.client.meta.events.register("after-call.ec2.DescribeInstances", hide)
        raise HostError("blue", "SSH does not work")

    with pytest.raises(HostError), world.canary(wait=fail).made():
        raise AssertionError("the run does not begin")
    assert world.count() == NOTHING


def test_hosts_that_cannot_be_removed_are_named_with_the_command_and_the_verdict_stays(world: World) -> None:
    made = world.canary()
    with made.made():
        ids = {machine.name: machine.identifier for machine in world.cloud().machines()}

        def refuse(**_: Any) -> None:
            raise EnvironmentError_("AWS: no answer in region eu-central-1")

        world.aws.client.meta.events.register("before-send.ec2", refuse)
    world.aws.client.meta.events.unregister("before-send.ec2", refuse)
    assert not made.gone
    assert made.left.startswith("the hosts could not be removed: AWS: no answer in region eu-central-1; left")
    for name in ("proxy", "blue", "green"):
        assert f"{name} {ids[name]}" in made.left
    assert made.left.endswith("type: pipeline prod down --canary")
    assert world.count() == ALONE


def test_a_canary_whose_making_lost_an_answer_is_removed_by_the_next_command(world: World) -> None:
    world.break_at = "change"
    with pytest.raises(Broken), world.canary().made():
        raise AssertionError("the run does not begin")
    world.break_at = ""
    with world.canary().made():
        assert world.count() == ALONE
    assert world.count() == NOTHING


def test_two_instances_of_one_name_are_one_again(world: World) -> None:
    with world.canary(keep=True).made():
        pass
    (blue,) = (machine for machine in world.cloud().machines() if machine.name == "blue")
    subnet = world.aws.ours("describe_subnets", "Subnets")[0]["SubnetId"]
    (second,) = world.aws.client.run_instances(
        ImageId="ami-00000001", InstanceType="t3.small", MinCount=1, MaxCount=1,
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}],
        TagSpecifications=[specification("instance", "production", "production-blue", role="blue", host="blue")],
    )["Instances"]  # fmt: skip
    again = world.canary()
    assert [(change.action, change.name) for change in again.plan.changes] == [("remove", "blue")]
    with again.made():
        (left,) = (machine.identifier for machine in world.cloud().machines() if machine.name == "blue")
        # launched within one second, either of them is "the oldest"
        assert left in (blue.identifier, second["InstanceId"])


def test_kept_hosts_without_their_key_are_not_touched(world: World) -> None:
    with world.canary(keep=True).made():
        pass
    key_path("production", world.aws.region).unlink()
    with pytest.raises(UsageError, match="no private key"):
        world.canary()
