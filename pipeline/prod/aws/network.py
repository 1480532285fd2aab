"""The way to the hosts: a VPC, its internet gateway, a subnet and a route, or a subnet that is there already."""

from __future__ import annotations

from typing import Any

from pipeline.base.console import Progress
from pipeline.base.errors import UsageError
from pipeline.prod.aws.found import Found, Ids
from pipeline.prod.aws.session import Aws
from pipeline.prod.aws.tags import specification
from pipeline.prod.cloud import Change, Step
from pipeline.prod.settings import Settings

__all__ = ["network_steps", "use_subnet"]

_EVERYWHERE = "0.0.0.0/0"
_ALREADY = ("Resource.AlreadyAssociated", "RouteAlreadyExists")


def use_subnet(aws: Aws, ids: Ids, identifier: str) -> Step:
    """An existing subnet, left as it is. Raises UsageError when it is none, or leads nowhere."""
    found = aws.listed("describe_subnets", "Subnets", Filters=[{"Name": "subnet-id", "Values": [identifier]}])
    if not found:
        raise UsageError(
            f"there is no {identifier} in {aws.region}",
            hint="aws ec2 describe-subnets; or no subnet: in prod.yml",
        )
    ids.subnet, ids.vpc = identifier, str(found[0]["VpcId"])
    tables = aws.listed(
        "describe_route_tables", "RouteTables", Filters=[{"Name": "vpc-id", "Values": [ids.vpc]}]
    )
    own = [table for table in tables if _association(table, identifier)]
    main = [table for table in tables if any(each.get("Main") for each in table.get("Associations", ()))]
    if not any(str(_way_out(table).get("GatewayId", "")).startswith("igw-") for table in own or main):
        raise UsageError(
            f"{identifier} has no route to an internet gateway: its hosts could not be reached from here",
            hint="another subnet: in prod.yml, or none",
        )
    return Step(Change("keep", "subnet", identifier, f"in {ids.vpc}, not made by pipeline"))


def network_steps(aws: Aws, found: Found, ids: Ids, settings: Settings, zone: str) -> list[Step]:
    """A VPC of the environment's own. `zone` is where a new subnet goes."""
    return [
        _vpc(aws, found, ids, settings),
        _gateway(aws, found, ids),
        _subnet(aws, found, ids, settings, zone),
        _table(aws, found, ids),
    ]


def _vpc(aws: Aws, found: Found, ids: Ids, settings: Settings) -> Step:
    # of several (an answer of CreateVpc got lost) the one in use stays; the others are removed at the end
    for vpc in sorted(found.vpcs, key=lambda vpc: -_used(found, str(vpc["VpcId"])))[:1]:
        if vpc["CidrBlock"] != settings.cidr:
            raise UsageError(
                f"cidr: the network of {aws.environment} is {vpc['CidrBlock']} and cannot become {settings.cidr}",
                hint="pipeline prod down, then up; or the old cidr: in prod.yml",
            )
        ids.vpc = str(vpc["VpcId"])
        ids.claimed.add(ids.vpc)
        return Step(Change("keep", "VPC", "", f"{ids.vpc} {settings.cidr}"))

    def create(_: Progress) -> None:
        tags = [specification("vpc", aws.environment, aws.environment)]
        ids.vpc = aws.client.create_vpc(CidrBlock=settings.cidr, TagSpecifications=tags)["Vpc"]["VpcId"]

    return Step(Change("create", "VPC", "", settings.cidr), create)


def _used(found: Found, vpc: str) -> int:
    everything = [*found.instances, *found.subnets, *found.tables, *found.groups]
    attached = sum(_attached(gateway, vpc) for gateway in found.gateways)
    return attached + sum(str(item.get("VpcId")) == vpc for item in everything)


def _attached(gateway: dict[str, Any], vpc: str) -> bool:
    return any(each["VpcId"] == vpc for each in gateway.get("Attachments", ()))


def _gateway(aws: Aws, found: Found, ids: Ids) -> Step:
    def attach(_: Progress) -> None:
        aws.patiently(
            aws.client.attach_internet_gateway,
            ".NotFound",
            done=_ALREADY,
            InternetGatewayId=ids.gateway,
            VpcId=ids.vpc,
        )

    def create(progress: Progress) -> None:
        tags = [specification("internet-gateway", aws.environment, aws.environment)]
        made = aws.client.create_internet_gateway(TagSpecifications=tags)["InternetGateway"]
        ids.gateway = made["InternetGatewayId"]
        attach(progress)

    free = [each for each in found.gateways if not each.get("Attachments") or _attached(each, ids.vpc)]
    for gateway in sorted(free, key=lambda gateway: not _attached(gateway, ids.vpc))[:1]:
        ids.gateway = str(gateway["InternetGatewayId"])
        ids.claimed.add(ids.gateway)
        if _attached(gateway, ids.vpc):
            return Step(Change("keep", "internet gateway", "", ids.gateway))
        return Step(Change("change", "internet gateway", "", "attach it to the VPC"), attach)
    return Step(Change("create", "internet gateway"), create)


def _subnet(aws: Aws, found: Found, ids: Ids, settings: Settings, zone: str) -> Step:
    def create(_: Progress) -> None:
        tags = [specification("subnet", aws.environment, aws.environment)]
        parameters: dict[str, Any] = {
            "CidrBlock": settings.cidr,
            "AvailabilityZone": zone,
            "TagSpecifications": tags,
        }
        made = aws.patiently(aws.client.create_subnet, ".NotFound", VpcId=ids.vpc, **parameters)
        ids.subnet = made["Subnet"]["SubnetId"]

    for subnet in [subnet for subnet in found.subnets if subnet["VpcId"] == ids.vpc][:1]:
        ids.subnet = str(subnet["SubnetId"])
        ids.claimed.add(ids.subnet)
        return Step(Change("keep", "subnet", "", f"{ids.subnet} {subnet['AvailabilityZone']}"))
    return Step(Change("create", "subnet", "", f"{settings.cidr} in {zone}"), create)


def _table(aws: Aws, found: Found, ids: Ids) -> Step:
    mine = [table for table in found.tables if table["VpcId"] == ids.vpc]
    mine.sort(key=lambda table: not _association(table, ids.subnet))
    table: dict[str, Any] = mine[0] if mine else {}
    ids.table = str(table.get("RouteTableId", ""))
    ids.claimed.add(ids.table)
    missing: list[str] = []
    way = _way_out(table)
    if not ids.gateway or way.get("GatewayId") != ids.gateway:
        missing.append("route to the internet")
    if not ids.subnet or not _association(table, ids.subnet):
        missing.append("used by the subnet")

    def work(_: Progress) -> None:
        if not ids.table:
            tags = [specification("route-table", aws.environment, aws.environment)]
            made = aws.patiently(
                aws.client.create_route_table, ".NotFound", VpcId=ids.vpc, TagSpecifications=tags
            )
            ids.table = made["RouteTable"]["RouteTableId"]
        if way.get("GatewayId") != ids.gateway:
            # a route whose gateway was removed stays, and stands in the way of a new one
            route = aws.client.replace_route if way else aws.client.create_route
            target: dict[str, Any] = {"DestinationCidrBlock": _EVERYWHERE, "GatewayId": ids.gateway}
            aws.patiently(route, ".NotFound", done=_ALREADY, RouteTableId=ids.table, **target)
        if not _association(table, ids.subnet):
            aws.patiently(
                aws.client.associate_route_table,
                ".NotFound",
                done=_ALREADY,
                RouteTableId=ids.table,
                SubnetId=ids.subnet,
            )

    if not table:
        return Step(Change("create", "route table", "", "to the internet"), work)
    if missing:
        return Step(Change("change", "route table", "", ", ".join(missing)), work)
    return Step(Change("keep", "route table", "", ids.table))


def _way_out(table: dict[str, Any]) -> dict[str, Any]:
    routes: list[dict[str, Any]] = table.get("Routes", [])
    return next((route for route in routes if route.get("DestinationCidrBlock") == _EVERYWHERE), {})


def _association(table: dict[str, Any], subnet: str) -> str:
    """The id of the table's association with a subnet, or empty."""
    associations = table.get("Associations", ())
    return next(
        (str(each["RouteTableAssociationId"]) for each in associations if each.get("SubnetId") == subnet), ""
    )
