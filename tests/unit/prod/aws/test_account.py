"""What a first real account trips over: quotas, spot instances, a key of one's own for disks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.prod.aws.errors import explain
from pipeline.prod.plan_text import plan_lines
from tests.support.aws_server import NOTHING, World

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def requests_to_run(world: World) -> list[dict[str, Any]]:
    return [parameters for name, parameters in world.calls if name == "RunInstances"]


def answer_quotas(world: World, answer: Callable[[str], float]) -> None:
    """Service Quotas as AWS has it for the codes of EC2, which moto does not know."""

    def said(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        code = str(params["body"]).partition('"QuotaCode": "')[2].partition('"')[0]
        return SimpleNamespace(status_code=200), {"Quota": {"Value": answer(code)}}

    world.aws.quotas.meta.events.register("before-call.service-quotas.GetServiceQuota", said)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "RunInstances")


def test_a_vpc_too_many_is_refused_before_anything_is_made(world: World) -> None:
    """By moto's own Service Quotas: 5 VPCs in a region, one of which every account has from the start."""
    for number in range(4):
        world.aws.client.create_vpc(CidrBlock=f"10.{number}.0.0/24")
    world.done()
    with pytest.raises(EnvironmentError_) as caught:
        world.up()
    assert (
        "quota of VPCs in a region is 5 in eu-central-1, 5 are used, and this plan needs 1 more"
        in caught.value.message
    )
    assert "--quota-code L-F678F1CE --desired-value 6" in str(caught.value.hint)
    assert world.done() == []
    assert world.count() == NOTHING


def test_too_few_vcpus_are_told_before_anything_is_paid(world: World) -> None:
    answer_quotas(world, lambda code: 5.0 if code == "L-1216C47A" else 100.0)
    with pytest.raises(EnvironmentError_) as caught:
        world.up()
    assert "vCPUs of running standard instances is 5" in caught.value.message
    assert "this plan needs 6 more" in caught.value.message
    assert world.count() == NOTHING
    world.up(itrust={"count": 0})
    assert world.count()["hosts"] == 2, "four fit"


def test_a_plan_says_what_aws_did_not_tell_and_goes_on(world: World) -> None:
    """As with moto, which knows no quota of EC2, or without the permission."""
    (note,) = (note for note in world.cloud().plan().notes if "quota" in note)
    assert note.startswith(
        "AWS did not tell this account's quota of vCPUs of running standard instances (NoSuch"
    )
    world.up()
    assert not any("quota" in note for note in world.cloud().plan().notes), (
        "with nothing new nothing is asked"
    )


def test_spot_instances_are_asked_for_where_prod_yml_wants_them(world: World) -> None:
    asked: list[str] = []

    def quota(code: str) -> float:
        asked.append(code)
        return 100.0

    answer_quotas(world, quota)
    made = world.canary(canary={"spot": True})
    assert asked == ["L-34B43A08", "L-F678F1CE"], "spot instances have a quota of their own"
    text = " ".join(" ".join(plan_lines(made.plan)).split())
    assert "+ create host blue t3.small spot, 20 GB" in text
    assert "AWS may take such a host back at any time." in text
    with made.made():
        for request in requests_to_run(world):
            assert request["InstanceMarketOptions"]["MarketType"] == "spot"
            assert (
                request["InstanceMarketOptions"]["SpotOptions"]["InstanceInterruptionBehavior"] == "terminate"
            )
    assert world.count() == NOTHING
    world.calls.clear()
    with world.canary().made():
        assert not any("InstanceMarketOptions" in request for request in requests_to_run(world))


def test_a_kept_spot_instance_cannot_become_another_type_and_that_is_said(world: World) -> None:
    with world.canary(keep=True, canary={"spot": True}).made():
        pass
    if not any(machine.name == "blue" for machine in world.cloud().machines()):
        raise AssertionError("the hosts were to stay")
    with pytest.raises(UsageError, match="is a spot instance, which can be neither stopped nor changed"):
        world.canary(canary={"spot": True, "type": "t3.medium"})


def test_what_aws_says_of_spot_instances_leads_on() -> None:
    error = explain(refusal("MaxSpotInstanceCountExceeded"), "create host blue", "eu-central-1", None)
    assert "quota of vCPUs of standard spot instances is used up" in error.message
    error = explain(
        refusal("AuthFailure.ServiceLinkedRoleCreationNotPermitted"), "create host blue", "eu-central-1", None
    )
    assert "aws iam create-service-linked-role" in str(error.hint)


def test_disks_are_encrypted_with_the_key_that_is_named(world: World) -> None:
    world.up(kms_key=KEY)
    for request in requests_to_run(world):
        assert request["BlockDeviceMappings"][0]["Ebs"]["KmsKeyId"] == KEY
        assert request["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def test_a_host_that_aws_took_back_is_told_with_its_reason(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that may not be used shows only so: the instance is made, and gone a moment later."""

    def take_back(parsed: dict[str, Any], **_: Any) -> None:
        for reservation in parsed["Reservations"]:
            for instance in reservation["Instances"]:
                instance["State"]["Name"] = "terminated"
                instance["StateReason"] = {"Message": "Client.InternalError: Client error on launch"}

    world.aws.client.meta.events.register("after-call.ec2.DescribeInstances", take_back)
    monkeypatch.setattr("pipeline.prod.aws.cloud._TAKEN_BACK_SECONDS", 0)
    with pytest.raises(EnvironmentError_) as caught:
        world.up(kms_key=KEY)
    assert "not running after 0 s: Client.InternalError: Client error on launch" in caught.value.message
    assert f"may these credentials use {KEY}?" in str(caught.value.hint)
