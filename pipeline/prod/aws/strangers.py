"""What other people put where ours is: never touched, and named when it keeps something of ours from going."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.prod.aws.found import Found
from pipeline.prod.aws.session import Aws
from pipeline.prod.aws.tags import name_of

__all__ = ["Strangers", "find_strangers"]


@dataclass(slots=True)
class Strangers:
    """Other people's things. `words` describes each; `vpcs` and `groups` are ids of ours that they stand in."""

    words: list[str] = field(default_factory=list)
    vpcs: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)


def find_strangers(aws: Aws, found: Found) -> Strangers:
    """Everything without our tag in our VPCs, or using our security groups wherever they are."""
    strangers = Strangers()
    vpcs = [str(vpc["VpcId"]) for vpc in found.vpcs]
    groups = [str(group["GroupId"]) for group in found.groups]
    _interfaces(aws, found, strangers, vpcs, groups)
    _groups(aws, strangers, vpcs, groups)
    if vpcs:
        _network(aws, found, strangers, vpcs)
    return strangers


def _interfaces(aws: Aws, found: Found, strangers: Strangers, vpcs: list[str], groups: list[str]) -> None:
    """Network interfaces stand for what has them: instances, load balancers, databases, functions, gateways."""
    ours = {str(instance["InstanceId"]) for instance in (*found.instances, *found.going)}
    seen: set[str] = set()
    for name, values in (("vpc-id", vpcs), ("group-id", groups)):
        for interface in _in(aws, "describe_network_interfaces", "NetworkInterfaces", name, values):
            identifier = str(interface["NetworkInterfaceId"])
            instance = str(interface.get("Attachment", {}).get("InstanceId", ""))
            if instance in ours or identifier in seen:
                continue
            seen.add(identifier)
            strangers.vpcs.add(str(interface["VpcId"]))
            strangers.groups |= {str(group["GroupId"]) for group in interface.get("Groups", ())} & set(groups)
            what = (
                f"instance {instance}"
                if instance
                else str(interface.get("Description") or "in use by nothing")
            )
            strangers.words.append(f"network interface {identifier} in {interface['SubnetId']} ({what})")


def _groups(aws: Aws, strangers: Strangers, vpcs: list[str], groups: list[str]) -> None:
    """Other security groups: those in our VPCs, and those elsewhere whose rules name one of ours."""
    seen: set[str] = set()
    for name, values in (("vpc-id", vpcs), ("ip-permission.group-id", groups)):
        for group in _in(aws, "describe_security_groups", "SecurityGroups", name, values):
            identifier = str(group["GroupId"])
            if identifier in groups or identifier in seen or group["GroupName"] == "default":
                continue
            seen.add(identifier)
            strangers.vpcs.add(str(group["VpcId"]))
            strangers.groups |= {
                str(pair["GroupId"])
                for permission in group["IpPermissions"]
                for pair in permission.get("UserIdGroupPairs", ())
            } & set(groups)
            strangers.words.append(f"security group {identifier} ({group['GroupName']}) in {group['VpcId']}")


def _network(aws: Aws, found: Found, strangers: Strangers, vpcs: list[str]) -> None:
    ours = {str(item["SubnetId"]) for item in found.subnets} | {
        str(item["RouteTableId"]) for item in found.tables
    }
    for subnet in _in(aws, "describe_subnets", "Subnets", "vpc-id", vpcs):
        if subnet["SubnetId"] not in ours:
            strangers.vpcs.add(str(subnet["VpcId"]))
            strangers.words.append(f"subnet {subnet['SubnetId']}{_called(subnet)} in {subnet['VpcId']}")
    for table in _in(aws, "describe_route_tables", "RouteTables", "vpc-id", vpcs):
        main = any(each.get("Main") for each in table.get("Associations", ()))
        if table["RouteTableId"] not in ours and not main:
            strangers.vpcs.add(str(table["VpcId"]))
            strangers.words.append(f"route table {table['RouteTableId']}{_called(table)} in {table['VpcId']}")


def _in(aws: Aws, operation: str, key: str, name: str, values: Sequence[str]) -> list[dict[str, Any]]:
    return aws.listed(operation, key, Filters=[{"Name": name, "Values": list(values)}]) if values else []


def _called(resource: dict[str, Any]) -> str:
    name = name_of(resource)
    return f" ({name})" if name else ""
