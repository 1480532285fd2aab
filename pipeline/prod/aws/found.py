"""What an environment has in AWS, found by its tags, and the ids that steps hand to the next ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from pipeline.prod.aws.session import Aws

__all__ = ["ALIVE", "Found", "Ids", "instances_of", "look"]

_Resource = dict[str, Any]
ALIVE = ("pending", "running", "stopping", "stopped")


@dataclass(slots=True)
class Found:
    """Everything that carries the environment's tag, as EC2 describes it, in the order of ids."""

    vpcs: list[_Resource]
    subnets: list[_Resource]
    gateways: list[_Resource]
    tables: list[_Resource]
    groups: list[_Resource]
    keys: list[_Resource]
    instances: list[_Resource]
    going: list[_Resource]  # instances that are being removed: they still hold on to groups and subnets

    def network_is_in(self, claimed: Collection[str]) -> bool:
        """Whether everything but instances and keys is in `claimed` (ids)."""
        identifiers = [
            *(str(item["VpcId"]) for item in self.vpcs),
            *(str(item["SubnetId"]) for item in self.subnets),
            *(str(item["InternetGatewayId"]) for item in self.gateways),
            *(str(item["RouteTableId"]) for item in self.tables),
            *(str(item["GroupId"]) for item in self.groups),
        ]
        return all(identifier in claimed for identifier in identifiers)


@dataclass(slots=True)
class Ids:
    """What the steps of one plan need of each other: filled by what was found, and as things are made."""

    vpc: str = ""
    subnet: str = ""
    gateway: str = ""
    table: str = ""
    groups: dict[str, str] = field(default_factory=dict)  # by role
    key: str = ""  # its name
    claimed: set[str] = field(default_factory=set)  # ids of what stays
    made: set[str] = field(default_factory=set)  # ids of new instances


def look(aws: Aws) -> Found:
    """Everything that the environment has, in seven calls. Each plan begins with it."""
    vpcs = aws.ours("describe_vpcs", "Vpcs")
    subnets = aws.ours("describe_subnets", "Subnets")
    gateways = aws.ours("describe_internet_gateways", "InternetGateways")
    tables = aws.ours("describe_route_tables", "RouteTables")
    groups = aws.ours("describe_security_groups", "SecurityGroups")
    keys = aws.ours("describe_key_pairs", "KeyPairs", IncludePublicKey=True)
    instances = instances_of(aws)
    return Found(
        sorted(vpcs, key=lambda item: str(item["VpcId"])),
        sorted(subnets, key=lambda item: str(item["SubnetId"])),
        sorted(gateways, key=lambda item: str(item["InternetGatewayId"])),
        sorted(tables, key=lambda item: str(item["RouteTableId"])),
        sorted(groups, key=lambda item: str(item["GroupId"])),
        sorted(keys, key=lambda item: str(item["KeyPairId"])),
        [instance for instance in instances if instance["State"]["Name"] in ALIVE],
        [instance for instance in instances if instance["State"]["Name"] not in ALIVE],
    )


def instances_of(aws: Aws) -> list[_Resource]:
    """The instances that are not gone, also those that are going, the oldest first."""
    reservations = aws.ours("describe_instances", "Reservations")
    found = [instance for reservation in reservations for instance in reservation["Instances"]]
    there = [instance for instance in found if instance["State"]["Name"] != "terminated"]
    return sorted(there, key=lambda item: (str(item.get("LaunchTime")), str(item["InstanceId"])))
