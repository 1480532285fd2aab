"""The IAM policy with no more rights than needed, made from the calls of every command and every repair."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pipeline.prod.aws.keys import key_path
from pipeline.prod.aws.tags import ENVIRONMENT, specification
from tests.support.aws_server import World, looks

__all__ = ["policy", "story"]

# These cannot be limited to what is ours: it does not exist yet, or belongs to others as well (images, subnets).
_MAKING = ("Create", "Import", "Run")


def story(world: World) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    """Each command: its name, what others do before it, and the command. Each begins where the last one ended."""
    ec2 = world.aws.client

    def vpc() -> str:
        return str(world.aws.ours("describe_vpcs", "Vpcs")[0]["VpcId"])

    def remove_gateway() -> None:
        (gateway,) = world.aws.ours("describe_internet_gateways", "InternetGateways")
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc())
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])

    def lose_hosts_and_key() -> None:
        ec2.terminate_instances(InstanceIds=[machine.identifier for machine in world.cloud().machines()])
        key_path("production", world.aws.region).unlink()

    def second_network() -> None:
        ec2.create_vpc(
            CidrBlock="10.83.0.0/24", TagSpecifications=[specification("vpc", "production", "production")]
        )

    def canary() -> None:
        with world.canary().made():
            pass

    small: dict[str, Any] = {"checkbox": {"count": 2, "type": "t3.medium"}, "ssh_from": "203.0.113.0/24"}
    return [
        ("up", lambda: None, world.up),
        ("up, nothing to do", lambda: None, world.up),
        ("up, other size, count and network for SSH", lambda: None, lambda: world.up(**small)),
        ("up, the gateway was removed by hand", remove_gateway, world.up),
        ("up, hosts and key were lost", lose_hosts_and_key, world.up),
        ("up, a second network was left behind", second_network, world.up),
        ("down", lambda: None, world.down),
        ("canary, alone", lambda: None, canary),
        ("canary, beside production", world.up, canary),
    ]


def policy(calls: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """An IAM policy for these calls.

    Looking cannot be limited. Making is not either, but tags are set only while something is made. What changes or
    removes things is limited to those that carry our tag.
    """
    recorded = list(calls)
    names = {name for name, _ in recorded}
    tagging = {name for name, parameters in recorded if "TagSpecifications" in parameters}
    looking = {name for name in names if looks(name)}
    making = tagging | {name for name in names if name.startswith(_MAKING) and name != "CreateRoute"}
    ours = {"Null": {f"aws:ResourceTag/{ENVIRONMENT}": "false"}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Look", "Effect": "Allow", "Action": _actions(looking), "Resource": "*"},
            {"Sid": "Make", "Effect": "Allow", "Action": _actions(making), "Resource": "*"},
            {
                "Sid": "TagWhatIsMade",
                "Effect": "Allow",
                "Action": ["ec2:CreateTags"],
                "Resource": "*",
                "Condition": {"StringEquals": {"ec2:CreateAction": sorted(tagging)}},
            },
            {
                "Sid": "ChangeWhatIsOurs",
                "Effect": "Allow",
                "Action": _actions(names - looking - making),
                "Resource": "*",
                "Condition": ours,
            },
        ],
    }


def _actions(names: Iterable[str]) -> list[str]:
    """A call of another service carries that service's name already."""
    return sorted(name.replace("-", "") if ":" in name else f"ec2:{name}" for name in names)
