"""What AWS refuses, in one line each: what it was, what it was for, and the next command to type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from pipeline.base.errors import EnvironmentError_, PipelineError, UsageError
from pipeline.prod.aws.cloud import AwsCloud
from pipeline.prod.aws.errors import explain
from pipeline.prod.aws.session import ATTEMPTS, connect
from tests.support.aws_server import REGION, World, wanted


def refusal(code: str, said: str = "said", action: str = "RunInstances") -> PipelineError:
    error = ClientError({"Error": {"Code": code, "Message": said}}, action)
    return explain(error, "host checkbox-1 of production", REGION, "work")


@pytest.mark.parametrize(
    ("code", "said", "words", "hint"),
    [
        ("RequestLimitExceeded", "", "AWS throttles ec2:RunInstances (host checkbox-1", "in a minute"),
        ("ExpiredToken", "", "the credentials have expired", "aws sso login --profile work"),
        ("AuthFailure", "not able to validate", "does not accept these credentials in eu-", "get-caller-identity"),
        ("RequestExpired", "Request has expired", "Request has expired", "date -u"),
        ("VcpuLimitExceeded", "", "quota of vCPUs of running standard instances is used up", "--quota-code L-1216C47A"),
        ("VpcLimitExceeded", "", "quota of VPCs in a region is used up", "--service-code vpc --quota-code L-F678F1CE"),
        ("InsufficientInstanceCapacity", "not enough", "host checkbox-1 of production: not enough", "another type"),
        ("DependencyViolation", "has a dependent object", "still used by something that is not ours", "down --dry-run"),
        ("InvalidGroup.Duplicate", "", "there already without our tags", "name: another one in prod.yml"),
        ("UnauthorizedOperation", "You are not authorized.", "permission ec2:RunInstances for host", "policy.json"),
        ("AccessDenied", "no", "permission ec2:RunInstances for host", "policy.json"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_the_next_command(code: str, said: str, words: str, hint: str) -> None:
    error = refusal(code, said)
    assert words in error.message
    assert "\n" not in error.message
    assert error.hint is not None
    assert hint in error.hint


def test_a_refusal_names_the_action_and_the_resource_that_aws_names_and_nothing_encoded() -> None:
    error = refusal(
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:iam::1:user/x is not authorized to perform: "
        "ec2:CreateTags on resource: arn:aws:ec2:eu-central-1:1:volume/* because no identity-based policy allows the "
        "ec2:CreateTags action. Encoded authorization failure message: AbCdEf",
    )
    assert error.message == (
        "AWS: these credentials lack the permission ec2:CreateTags for host checkbox-1 of production "
        "(arn:aws:ec2:eu-central-1:1:volume/*)"
    )


def test_an_unknown_refusal_says_what_aws_said_on_one_line() -> None:
    error = refusal("SomethingNew", "two\nlines  Encoded authorization failure message: AbCdEf")
    assert error.message == (
        "AWS refused ec2:RunInstances for host checkbox-1 of production: two lines (SomethingNew)"
    )


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (boto.NoCredentialsError(), "Unable to locate credentials", "aws configure sso --profile work"),
        (boto.PartialCredentialsError(provider="env", cred_var="secret"), "Partial credentials", "AWS_SECRET"),
        (boto.SSOTokenLoadError(profile_name="work", error_msg="x"), "login has ended", "aws sso login --profile work"),
        (boto.UnauthorizedSSOTokenError(), "the login has ended", "aws sso login --profile work"),
        (boto.TokenRetrievalError(provider="sso", error_msg="Token has expired"), "Token has expired", "aws sso login"),
        (boto.EndpointConnectionError(endpoint_url="https://ec2"), "no answer in region eu-central-1", "online"),
        (boto.ReadTimeoutError(endpoint_url="https://ec2"), "no answer in region eu-central-1", "online"),
    ],
)  # fmt: skip
def test_what_never_reached_aws_is_one_line_too(error: boto.BotoCoreError, words: str, hint: str) -> None:
    told = explain(error, "environment production", REGION, "work")
    assert words in told.message
    assert "\n" not in told.message
    assert hint in (told.hint or "")


def answering(world: World, operation: str, status: int, code: str) -> list[int]:
    """From now on the operation is answered so, on the wire; gives a list that grows with each try."""
    tries: list[int] = []
    body = f"<Response><Errors><Error><Code>{code}</Code><Message>m</Message></Error></Errors></Response>".encode()

    class Raw:
        def stream(self, **_: Any) -> list[bytes]:
            return [body]

    def answer(request: Any, **_: Any) -> AWSResponse:
        tries.append(1)
        return AWSResponse(request.url, status, {}, Raw())

    world.aws.client.meta.events.register(f"before-send.ec2.{operation}", answer)
    return tries


def test_throttling_is_retried_with_pauses_and_then_told(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    tries = answering(world, "RunInstances", 503, "RequestLimitExceeded")
    with monkeypatch.context() as patched:
        patched.setattr("botocore.endpoint.time.sleep", pauses.append)
        with pytest.raises(EnvironmentError_, match="AWS throttles ec2:RunInstances"):
            world.up()
    assert len(tries) == ATTEMPTS
    assert len([pause for pause in pauses if pause]) >= ATTEMPTS - 2
    assert world.count()["hosts"] == 0


def test_a_quota_in_the_middle_of_up_is_told_and_what_was_made_is_kept_for_the_next(world: World) -> None:
    answering(world, "RunInstances", 400, "VcpuLimitExceeded")
    with pytest.raises(
        EnvironmentError_, match=r"host monitor of production: .* \(VcpuLimitExceeded, quota L-1216C47A\)"
    ):
        world.up()
    assert world.count() == {
        "vpcs": 1,
        "subnets": 1,
        "gateways": 1,
        "tables": 1,
        "groups": 3,
        "keys": 1,
        "hosts": 0,
    }
    assert not world.inventory.exists()


def test_what_is_not_known_yet_everywhere_is_waited_for(world: World) -> None:
    """A VPC that was made a moment ago may not be found by the next call."""
    calls: list[str] = []

    def not_yet(model: Any, **_: Any) -> None:
        calls.append(model.name)
        if len(calls) < 3:
            raise ClientError({"Error": {"Code": "InvalidVpcID.NotFound", "Message": ""}}, model.name)

    world.aws.client.meta.events.register("before-call.ec2.CreateSubnet", not_yet)
    world.up()
    assert calls == ["CreateSubnet"] * 3
    assert world.count()["subnets"] == 1


def test_no_image_in_the_region_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.prod.aws.images.DEBIAN", "123456789012")
    with pytest.raises(
        EnvironmentError_, match=r"eu-central-1 has no image debian-12-amd64-\* of Debian's account"
    ):
        world.up()


def test_a_region_that_does_not_exist_is_refused_with_the_one_that_was_meant(world: World) -> None:
    with pytest.raises(UsageError, match=r"AWS has no region 'eu-centrall-1'; did you mean eu-central-1\?"):
        AwsCloud(wanted(region="eu-centrall-1"))
    assert world.calls == []


@pytest.mark.usefixtures("world")
def test_a_profile_that_does_not_exist_is_refused_with_those_that_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(UsageError, match=r"profile \(wrok\) could not be found \(there is work\)"):
        connect("production", REGION, "wrok")
    assert connect("production", REGION, "work").profile == "work"


@pytest.mark.usefixtures("world")
def test_without_credentials_nothing_is_asked_and_the_way_to_log_in_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(EnvironmentError_, match="Unable to locate credentials") as caught:
        AwsCloud(wanted()).plan()
    assert "aws configure sso" in str(caught.value.hint)
