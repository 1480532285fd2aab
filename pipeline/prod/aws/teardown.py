"""How each kind of thing is removed, in the order in which AWS lets them go."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from pipeline.base.console import Progress
from pipeline.prod.aws.found import Found
from pipeline.prod.aws.instances import wait_for
from pipeline.prod.aws.session import Aws
from pipeline.prod.aws.strangers import Strangers
from pipeline.prod.aws.tags import HOST, ROLE, name_of, tag
from pipeline.prod.cloud import Change, Step

__all__ = ["removal_steps"]

_Resource = dict[str, Any]
_PATIENCE = 300  # seconds for what an instance held to be let go


def removal_steps(aws: Aws, found: Found, keep: Collection[str], strangers: Strangers) -> list[Step]:
    """Removes everything found but `keep` (ids), as far as strangers allow; what they block is kept, and said."""
    steps = _instances(aws, [item for item in found.instances if item["InstanceId"] not in keep])
    steps += [_key(aws, item) for item in found.keys if item["KeyPairId"] not in keep]
    # a group that others' rules name goes after them
    groups = sorted(found.groups, key=lambda group: tag(group, ROLE) in ("monitor", "proxy"))
    for group in groups:
        if group["GroupId"] not in keep:
            steps.append(_group(aws, group, strangers))
    for kind, key, items, remove in (
        ("route table", "RouteTableId", found.tables, _remove_table),
        ("subnet", "SubnetId", found.subnets, _remove_subnet),
        ("internet gateway", "InternetGatewayId", found.gateways, _remove_gateway),
        ("VPC", "VpcId", found.vpcs, _remove_vpc),
    ):
        for item in items:
            if item[key] not in keep:
                steps.append(_network_step(aws, kind, key, item, remove, strangers))
    return steps


def _instances(aws: Aws, instances: list[_Resource]) -> list[Step]:
    """All at once, waited for together with the last of them."""
    instances = sorted(instances, key=lambda instance: (tag(instance, HOST), str(instance["InstanceId"])))
    identifiers = [str(instance["InstanceId"]) for instance in instances]

    def terminate(progress: Progress) -> None:
        aws.client.terminate_instances(InstanceIds=identifiers)
        wait_for(aws, "terminated", identifiers, progress)

    steps = []
    for instance in instances:
        detail = f"{instance['InstanceId']} {instance['InstanceType']}, with its disk and all data on it"
        name = tag(instance, HOST) or name_of(instance)
        run = terminate if instance is instances[-1] else None
        steps.append(Step(Change("remove", "host", name, detail), run))
    return steps


def _key(aws: Aws, key: _Resource) -> Step:
    def remove(_: Progress) -> None:
        aws.client.delete_key_pair(KeyName=key["KeyName"])

    return Step(Change("remove", "key pair", "", str(key["KeyPairId"])), remove)


def _group(aws: Aws, group: _Resource, strangers: Strangers) -> Step:
    identifier, name = str(group["GroupId"]), tag(group, ROLE) or str(group["GroupName"])

    def remove(_: Progress) -> None:
        _gone(aws, aws.client.delete_security_group, GroupId=identifier)

    if identifier in strangers.groups:
        return Step(Change("keep", "security group", name, f"{identifier}, in use by others"))
    return Step(Change("remove", "security group", name, identifier), remove)


def _network_step(
    aws: Aws,
    kind: str,
    key: str,
    item: _Resource,
    remove: Callable[[Aws, _Resource], None],
    strangers: Strangers,
) -> Step:
    # a stranger in our VPC may need the way out as well, so the network stays whole
    attached = {str(each["VpcId"]) for each in item.get("Attachments", ())}
    if ({str(item.get("VpcId", ""))} | attached) & strangers.vpcs:
        return Step(Change("keep", kind, "", f"{item[key]}, in use by others"))
    return Step(Change("remove", kind, "", str(item[key])), lambda _: remove(aws, item))


def _remove_table(aws: Aws, table: _Resource) -> None:
    for each in table.get("Associations", ()):
        if not each.get("Main"):
            association = each["RouteTableAssociationId"]
            _gone(aws, aws.client.disassociate_route_table, AssociationId=association)
    _gone(aws, aws.client.delete_route_table, RouteTableId=table["RouteTableId"])


def _remove_subnet(aws: Aws, subnet: _Resource) -> None:
    _gone(aws, aws.client.delete_subnet, SubnetId=subnet["SubnetId"])


def _remove_gateway(aws: Aws, gateway: _Resource) -> None:
    identifier = gateway["InternetGatewayId"]
    for each in gateway.get("Attachments", ()):
        vpc = each["VpcId"]
        _gone(aws, aws.client.detach_internet_gateway, InternetGatewayId=identifier, VpcId=vpc)
    _gone(aws, aws.client.delete_internet_gateway, InternetGatewayId=identifier)


def _remove_vpc(aws: Aws, vpc: _Resource) -> None:
    _gone(aws, aws.client.delete_vpc, VpcId=vpc["VpcId"])


def _gone(aws: Aws, call: Callable[..., Any], **parameters: str) -> None:
    """Waits while what was removed before still holds on to this; what is gone already is fine."""
    aws.patiently(
        call,
        "DependencyViolation",
        done=(".NotFound", "Gateway.NotAttached"),
        seconds=_PATIENCE,
        **parameters,
    )
