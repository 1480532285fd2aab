"""`prod up` in AWS: what it makes, what it leaves, what it changes. Against moto's HTTP server (aws_server)."""

from __future__ import annotations

import stat
from typing import Any

import pytest

from pipeline.base.errors import UsageError
from pipeline.inventory.file import read_inventory
from pipeline.prod.aws.cloud import AwsCloud
from pipeline.prod.aws.keys import key_path, make_key
from pipeline.prod.cloud import Plan
from pipeline.prod.plan_text import plan_lines
from tests.support.aws_server import FULL, HERE, REGION, World, wanted


def instances_by_name(world: World) -> dict[str, Any]:
    reservations = world.aws.ours("describe_instances", "Reservations")
    found = [instance for reservation in reservations for instance in reservation["Instances"]]
    tags = [{tag["Key"]: tag["Value"] for tag in instance["Tags"]} for instance in found]
    alive = [instance["State"]["Name"] != "terminated" for instance in found]
    return {tag["pipeline:host"]: each for tag, each, is_ in zip(tags, found, alive, strict=True) if is_}


def group(world: World, role: str) -> Any:
    groups = world.aws.ours("describe_security_groups", "SecurityGroups")
    return next(group for group in groups if group["GroupName"] == f"pipeline-production-{role}")


def rules(world: World, role: str) -> set[tuple[int, str]]:
    """Each open port, or the first of several, and from where."""
    names = {group(world, role)["GroupId"]: role for role in ("monitor", "checkbox", "itrust")}
    return {
        (permission["FromPort"], source)
        for permission in group(world, role)["IpPermissions"]
        for source in (
            *(each["CidrIp"] for each in permission["IpRanges"]),
            *(names[each["GroupId"]] for each in permission["UserIdGroupPairs"]),
        )
    }


def changes(plan: Plan) -> list[str]:
    return [f"{change.action} {change.kind} {change.name}".rstrip() for change in plan.changes]


def test_up_makes_three_hosts_on_the_newest_debian_of_debians_own_account(world: World) -> None:
    world.up()
    assert world.count() == FULL
    hosts = instances_by_name(world)
    assert {name: host["InstanceType"] for name, host in hosts.items()} == {
        "monitor": "t3.small",
        "checkbox-1": "t3.small",
        "itrust-1": "t3.medium",
    }
    assert {host["ImageId"] for host in hosts.values()} == {"ami-00000003"}


def test_disks_are_encrypted_and_metadata_needs_a_token(world: World) -> None:
    world.up(disk=33)
    for request in (parameters for name, parameters in world.calls if name == "RunInstances"):
        assert request["MetadataOptions"]["HttpTokens"] == "required"
        (disk,) = request["BlockDeviceMappings"]
        assert disk["DeviceName"] == "/dev/xvda"
        assert disk["Ebs"] == {
            "VolumeSize": 33, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True,
        }  # fmt: skip


def test_everything_is_tagged_in_the_call_that_makes_it(world: World) -> None:
    world.up()
    making = [
        call
        for call in world.calls
        if call[0].startswith(("Create", "Import", "Run")) and call[0] != "CreateRoute"
    ]
    assert len(making) == 11
    for name, parameters in making:
        for specification in parameters["TagSpecifications"]:
            tags = {tag["Key"]: tag["Value"] for tag in specification["Tags"]}
            assert tags["pipeline:environment"] == "production", name
            assert tags["Name"]
            if name == "RunInstances":
                assert {"pipeline:role", "pipeline:host"} <= set(tags)
    kinds = {
        spec["ResourceType"]
        for name, p in making
        if name == "RunInstances"
        for spec in p["TagSpecifications"]
    }
    assert kinds == {"instance", "volume", "network-interface"}


def test_ssh_is_open_to_the_given_network_and_to_the_monitor_only(world: World) -> None:
    world.up()
    assert rules(world, "checkbox") == {(22, HERE), (80, "0.0.0.0/0"), (22, "monitor")}
    assert rules(world, "itrust") == {(22, HERE), (8080, "0.0.0.0/0"), (22, "monitor")}
    assert rules(world, "monitor") == {(22, HERE)}


def test_the_private_key_is_readable_by_its_owner_only_and_never_sent(world: World) -> None:
    world.up()
    path = key_path("production", REGION)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["key"]
    secret = path.read_text().splitlines()[1]
    assert secret not in str(world.calls)


def test_the_inventory_has_what_deploy_needs(world: World) -> None:
    world.up(checkbox={"count": 2})
    inventory = read_inventory(world.inventory)
    assert {group: [host.name for host in hosts] for group, hosts in inventory.groups.items()} == {
        "checkbox": ["checkbox-1", "checkbox-2"],
        "itrust": ["itrust-1"],
        "monitor": ["monitor"],
    }
    for host in inventory:
        assert host.user == "admin"
        assert host.key == key_path("production", REGION)
        assert host.private_address.startswith("10.83.0.")
        assert host.address != host.private_address
        assert host.data == {"environment": "production"}
    assert len({host.known_hosts for host in inventory}) == 4


def test_a_second_up_changes_nothing_and_says_so(world: World) -> None:
    world.up()
    world.done()
    before = world.inventory.stat().st_mtime_ns
    plan = world.up()
    assert plan.changes == ()
    assert len(world.calls) == 8
    assert world.done() == []
    assert world.inventory.stat().st_mtime_ns == before


def test_a_changed_size_stops_changes_and_starts_that_host_only(world: World) -> None:
    world.up()
    world.done()
    plan = world.up(itrust={"type": "t3.large"})
    assert changes(plan) == ["change host itrust-1"]
    assert world.done() == ["StopInstances", "ModifyInstanceAttribute", "StartInstances"]
    assert instances_by_name(world)["itrust-1"]["InstanceType"] == "t3.large"


def test_a_larger_count_adds_and_a_smaller_one_removes_the_last(world: World) -> None:
    world.up()
    first = instances_by_name(world)["checkbox-1"]["InstanceId"]
    world.done()
    assert changes(world.up(checkbox={"count": 3})) == ["create host checkbox-2", "create host checkbox-3"]
    assert world.done() == ["RunInstances", "RunInstances"]
    assert changes(world.up(checkbox={"count": 1})) == ["remove host checkbox-2", "remove host checkbox-3"]
    assert world.done() == ["TerminateInstances"]
    assert instances_by_name(world)["checkbox-1"]["InstanceId"] == first
    assert [host.name for host in read_inventory(world.inventory).groups["checkbox"]] == ["checkbox-1"]


def test_another_disk_is_for_new_hosts_and_is_said_so(world: World) -> None:
    world.up()
    plan = world.up(disk=30)
    assert plan.changes == ()
    details = [step.change.detail for step in plan.steps if step.change.kind == "host"]
    assert all(detail.endswith("its disk stays 20 GB, 30 is for new hosts") for detail in details)


def test_a_stopped_host_is_started_again(world: World) -> None:
    world.up()
    world.aws.client.stop_instances(InstanceIds=[instances_by_name(world)["checkbox-1"]["InstanceId"]])
    world.done()
    assert changes(world.up()) == ["change host checkbox-1"]
    assert world.done() == ["StartInstances"]


def test_another_ssh_network_replaces_our_rules_and_leaves_those_made_by_hand(world: World) -> None:
    world.up()
    by_hand = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    world.aws.client.authorize_security_group_ingress(
        GroupId=group(world, "checkbox")["GroupId"], IpPermissions=[by_hand]
    )
    assert world.up().changes == ()
    plan = world.up(ssh_from=["203.0.113.0/24", "192.0.2.1/32"])
    assert changes(plan) == [f"change security group {role}" for role in ("monitor", "checkbox", "itrust")]
    assert rules(world, "checkbox") == {
        (22, "203.0.113.0/24"), (22, "192.0.2.1/32"), (80, "0.0.0.0/0"), (443, "0.0.0.0/0"), (22, "monitor"),
    }  # fmt: skip


def test_without_a_monitor_its_host_group_and_rules_go(world: World) -> None:
    world.up()
    plan = world.up(monitor="none")
    assert changes(plan) == [
        "change security group checkbox",
        "change security group itrust",
        "remove host monitor",
        "remove security group monitor",
    ]
    assert world.count() == {**FULL, "groups": 2, "hosts": 2}


def test_ssh_open_to_everybody_is_said(world: World) -> None:
    assert any(
        "SSH is open to the whole internet" in note for note in world.cloud(ssh_from="0.0.0.0/0").plan().notes
    )
    assert not any("SSH" in note for note in world.cloud().plan().notes)


def test_two_hosts_of_an_application_are_said_to_be_two_sites(world: World) -> None:
    plan = world.cloud(checkbox={"count": 2}).plan()
    said = " ".join(" ".join(plan_lines(plan)).split())
    assert "CAUTION: checkbox gets 2 hosts, which are 2 separate sites" in said
    assert "a database of its own" in said
    assert "itrust gets" not in said
    assert "CAUTION" not in " ".join(world.cloud().plan().notes)


def test_an_existing_subnet_is_used_and_left_as_it_is(world: World) -> None:
    ec2 = world.aws.client
    subnet = ec2.describe_subnets()["Subnets"][0]  # of the account's default VPC
    world.done()
    with pytest.raises(UsageError, match="no route to an internet gateway"):
        world.cloud(subnet=subnet["SubnetId"]).plan()
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=subnet["VpcId"])
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])[
        "RouteTables"
    ][0]
    ec2.create_route(RouteTableId=main["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    world.up(subnet=subnet["SubnetId"])
    assert world.count() == {**FULL, "vpcs": 0, "subnets": 0, "gateways": 0, "tables": 0}
    assert {host["SubnetId"] for host in instances_by_name(world).values()} == {subnet["SubnetId"]}
    assert world.up(subnet=subnet["SubnetId"]).changes == ()
    with pytest.raises(UsageError, match="hosts cannot move to another subnet"):
        world.cloud().plan()
    world.down(subnet=subnet["SubnetId"])
    assert set(world.count().values()) == {0}
    assert ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cidr": "10.9.0.0/24"}, "cannot become 10.9.0.0/24"),
        ({"itrust": {"type": "t4g.small"}}, "itrust-1 cannot become t4g.small: its disk is for x86_64"),
        ({"itrust": {"type": "t3.nano"}}, "t3.nano has 512 MB of memory; iTrust needs 900"),
        ({"itrust": {"type": "t3.tiny"}}, "has no instance type t3.tiny"),
        ({"subnet": "subnet-0123abcd"}, "there is no subnet-0123abcd in eu-central-1"),
    ],
)
def test_what_cannot_be_done_to_what_is_there_is_refused_before_anything_changes(
    world: World,
    settings: dict[str, Any],
    words: str,
) -> None:
    world.up()
    world.done()
    with pytest.raises(UsageError, match=words):
        world.up(**settings)
    assert world.done() == []


def test_arm_hosts_get_debians_image_for_arm(world: World) -> None:
    world.up(itrust={"type": "t4g.small"})
    images = {name: host["ImageId"] for name, host in instances_by_name(world).items()}
    assert images == {"checkbox-1": "ami-00000003", "itrust-1": "ami-00000004", "monitor": "ami-00000003"}


def test_an_arm_type_is_refused_for_what_does_not_run_on_it_before_anything_is_paid(world: World) -> None:
    with pytest.raises(UsageError, match=r"t4g.small is arm64; checkbox.io runs on x86_64 only") as caught:
        world.up(checkbox={"type": "t4g.small"})
    assert "checkbox: type: in prod.yml" in str(caught.value.hint)
    assert set(world.count().values()) == {0}
    world.up(monitor_type="t4g.small", itrust={"type": "t4g.small"})
    with world.canary(canary={"type": "t4g.small", "proxy_type": "t4g.small"}).made():
        found = instances_by_name(world)
        assert {found[name]["Architecture"] for name in ("monitor", "itrust-1", "proxy", "blue")} == {"arm64"}


def test_without_a_region_in_the_file_it_is_that_of_the_environment_or_of_the_profile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = world.directory / "aws-config"
    config.write_text("[profile work]\nregion = eu-north-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    def where(**settings: Any) -> str:
        return AwsCloud(wanted(**{"region": None, **settings})).where

    with pytest.raises(UsageError, match=r"no region is named: not in prod\.yml, not by AWS_REGION"):
        where()
    assert where(profile="work") == "aws eu-north-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert where() == "aws eu-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert where(profile="work") == "aws eu-west-1", "as the AWS command line has it"
    assert where(region="us-east-1") == "aws us-east-1", "what the file names is not changed by the shell"
    monkeypatch.setenv("AWS_REGION", "eu-west")
    with pytest.raises(UsageError, match="AWS has no region 'eu-west'"):
        where()


def test_a_key_that_is_not_here_is_asked_for_while_hosts_need_it_and_replaced_when_none_does(
    world: World,
) -> None:
    world.up()
    path = key_path("production", REGION)
    path.unlink()
    with pytest.raises(UsageError, match="there is no private key of the hosts of production"):
        world.up()
    make_key(path)
    with pytest.raises(UsageError, match="not private key of the hosts"):
        world.up()
    for host in instances_by_name(world).values():
        world.aws.client.terminate_instances(InstanceIds=[host["InstanceId"]])
    assert "change key pair" in changes(world.up())
    assert world.count() == FULL
