"""`prod down` in AWS: everything with our tags goes, and nothing of anybody else's is touched."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.base.errors import EnvironmentError_
from pipeline.prod.aws.keys import key_path
from pipeline.prod.aws.session import connect
from pipeline.prod.aws.tags import specification
from tests.support.aws_server import FULL, NOTHING, REGION, World


def everything(world: World) -> dict[str, set[str]]:
    """Ids of all that is in the account's region, whoever it belongs to."""
    ec2 = world.aws
    return {
        "vpcs": {each["VpcId"] for each in ec2.listed("describe_vpcs", "Vpcs")},
        "subnets": {each["SubnetId"] for each in ec2.listed("describe_subnets", "Subnets")},
        "groups": {each["GroupId"] for each in ec2.listed("describe_security_groups", "SecurityGroups")},
        "keys": {each["KeyName"] for each in ec2.listed("describe_key_pairs", "KeyPairs")},
        "gateways": {
            each["InternetGatewayId"] for each in ec2.listed("describe_internet_gateways", "InternetGateways")
        },
        "tables": {each["RouteTableId"] for each in ec2.listed("describe_route_tables", "RouteTables")},
        "instances": {
            each["InstanceId"]
            for reservation in ec2.listed("describe_instances", "Reservations")
            for each in reservation["Instances"]
            if each["State"]["Name"] != "terminated"
        },
        "volumes": {each["VolumeId"] for each in ec2.listed("describe_volumes", "Volumes")},
    }


def vpc_of(world: World) -> str:
    return str(world.aws.ours("describe_vpcs", "Vpcs")[0]["VpcId"])


def test_up_and_down_leave_the_account_as_it_was(world: World) -> None:
    before = everything(world)
    world.up()
    assert everything(world) != before
    world.done()
    world.down()
    assert world.done() == [
        "TerminateInstances", "DeleteKeyPair", *["DeleteSecurityGroup"] * 3, "DisassociateRouteTable",
        "DeleteRouteTable", "DeleteSubnet", "DetachInternetGateway", "DeleteInternetGateway", "DeleteVpc",
    ]  # fmt: skip
    assert everything(world) == before
    assert not world.inventory.exists()


def test_the_private_key_stays_and_serves_the_next_up(world: World) -> None:
    world.up()
    key = key_path("production", REGION).read_bytes()
    world.down()
    world.up()
    assert key_path("production", REGION).read_bytes() == key


def test_a_down_with_nothing_there_changes_nothing(world: World) -> None:
    assert world.down().steps == ()
    assert world.done() == []


def test_another_environment_is_not_touched(world: World, tmp_path: Any) -> None:
    other = World(tmp_path / "other", connect("staging", REGION))
    other.directory.mkdir()
    other.aws.poll = 0.01
    other.up(name="staging")
    before = everything(world)
    world.up()
    world.down()
    assert everything(world) == before
    assert other.count() == FULL


def test_instances_of_others_in_our_network_stand_in_the_way_and_are_named(world: World) -> None:
    world.up()
    subnet = world.aws.ours("describe_subnets", "Subnets")[0]["SubnetId"]
    group = world.aws.ours("describe_security_groups", "SecurityGroups")[0]["GroupId"]
    made = world.aws.client.run_instances(
        ImageId="ami-00000001",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[
            {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "DeleteOnTermination": True}
        ],
    )["Instances"][0]["InstanceId"]
    with pytest.raises(EnvironmentError_, match=f"stand in the way:\n.*instance {made}"):
        world.down()
    # all that costs money is gone; the other's instance, its group and the network that carries it are not
    assert made in everything(world)["instances"]
    assert world.count() == {
        "vpcs": 1,
        "subnets": 1,
        "gateways": 1,
        "tables": 1,
        "groups": 1,
        "keys": 0,
        "hosts": 0,
    }
    world.done()
    with pytest.raises(EnvironmentError_):
        world.down()
    assert world.done() == []
    world.aws.client.terminate_instances(InstanceIds=[made])
    world.down()
    assert world.count() == NOTHING


def test_what_others_put_into_our_network_is_named_before_anything_is_removed(world: World) -> None:
    world.up(cidr="10.83.0.0/24")
    vpc, ec2 = vpc_of(world), world.aws.client
    group = ec2.create_security_group(GroupName="by-hand", Description="-", VpcId=vpc)["GroupId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    obstacles = " ".join(world.cloud().removal().obstacles)
    assert f"security group {group} (by-hand)" in obstacles
    assert f"route table {table}" in obstacles
    with pytest.raises(EnvironmentError_):
        world.down()
    assert {group} <= everything(world)["groups"]
    assert {table} <= everything(world)["tables"]


def test_a_group_elsewhere_that_lets_ours_in_keeps_ours(world: World) -> None:
    world.up()
    ours = next(
        group["GroupId"]
        for group in world.aws.ours("describe_security_groups", "SecurityGroups")
        if group["GroupName"] == "pipeline-production-itrust"
    )
    ec2 = world.aws.client
    default = next(vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"])
    theirs = ec2.create_security_group(GroupName="database", Description="-", VpcId=default)["GroupId"]
    pair = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": ours}]}
    ec2.authorize_security_group_ingress(GroupId=theirs, IpPermissions=[pair])
    plan = world.cloud().removal()
    kept = [(step.change.kind, step.change.name) for step in plan.steps if step.change.action == "keep"]
    assert kept[0] == ("security group", "itrust")
    assert any("database" in obstacle for obstacle in plan.obstacles)


def test_of_two_hosts_of_one_name_up_removes_one(world: World) -> None:
    """As "launch more like this" in the console makes them: it copies the tags."""
    world.up()
    tags = [
        specification("instance", "production", "production-checkbox-1", role="checkbox", host="checkbox-1")
    ]
    subnet = world.aws.ours("describe_subnets", "Subnets")[0]["SubnetId"]
    world.aws.client.run_instances(
        ImageId="ami-00000001",
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}],
        TagSpecifications=tags,
    )
    plan = world.up()
    assert [(change.action, change.name) for change in plan.changes] == [("remove", "checkbox-1")]
    assert world.count() == FULL
