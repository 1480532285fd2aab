"""What AWS says when it refuses, as one line and the next command to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.base.errors import EnvironmentError_, PipelineError, UsageError
from pipeline.prod.aws.session import ATTEMPTS, Aws, code_of

__all__ = ["QUOTAS", "Quota", "explain", "telling"]


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota by the code that Service Quotas knows it by."""

    what: str
    service: str
    code: str

    def request(self, region: str, value: str) -> str:
        """The command that asks AWS for more."""
        return (
            f"aws service-quotas request-service-quota-increase --region {region} --service-code {self.service} "
            f"--quota-code {self.code} --desired-value {value}"
        )


# Error codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
# Quota codes: `aws service-quotas list-service-quotas --service-code vpc|ec2|ebs`
QUOTAS = {
    "VpcLimitExceeded": Quota("VPCs in a region", "vpc", "L-F678F1CE"),
    "InternetGatewayLimitExceeded": Quota("internet gateways in a region", "vpc", "L-A4707A72"),
    "SubnetLimitExceeded": Quota("subnets of a VPC", "vpc", "L-407747CB"),
    "RouteTableLimitExceeded": Quota("route tables of a VPC", "vpc", "L-589F43AA"),
    "SecurityGroupLimitExceeded": Quota("security groups in a region", "vpc", "L-E79EC296"),
    "RulesPerSecurityGroupLimitExceeded": Quota("rules of a security group", "vpc", "L-0EA8095F"),
    "VcpuLimitExceeded": Quota("vCPUs of running standard instances", "ec2", "L-1216C47A"),
    "MaxSpotInstanceCountExceeded": Quota("vCPUs of standard spot instances", "ec2", "L-34B43A08"),
    "InstanceLimitExceeded": Quota("vCPUs of running standard instances", "ec2", "L-1216C47A"),
    "VolumeLimitExceeded": Quota("gp3 storage in a region", "ebs", "L-7A658B76"),
}
_THROTTLED = ("RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled", "SlowDown")
_FORBIDDEN = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "UnauthorizedException")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")
_WRONG = (
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "OptInRequired",
)
_SSO = (boto.SSOTokenLoadError, boto.UnauthorizedSSOTokenError, boto.TokenRetrievalError, boto.SSOError)


@contextmanager
def telling(aws: Aws, what: str) -> Iterator[None]:
    """Turns botocore's exceptions into PipelineErrors. `what` is the thing being worked on, for the message."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise explain(error, what, aws.region, aws.profile) from None


def explain(error: ClientError | BotoCoreError, what: str, region: str, profile: str | None) -> PipelineError:
    """The error for people. Nothing of the request is in it but its action and what it was for."""
    if isinstance(error, ClientError):
        return _refused(error, what, region, profile)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return EnvironmentError_(f"AWS: {_line(str(error))}", hint=_login(profile, fresh=True))
    if isinstance(error, _SSO):
        return EnvironmentError_(f"AWS: the login has ended: {_line(str(error))}", hint=_login(profile))
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError):
        return EnvironmentError_(
            f"AWS: no answer in region {region} for {what}: {_line(str(error))}",
            hint="is this machine online, and is the region right? then the same command again",
        )
    return EnvironmentError_(f"AWS: {what}: {_line(str(error))}", hint=_login(profile))


def _refused(error: ClientError, what: str, region: str, profile: str | None) -> PipelineError:
    code, action = code_of(error), f"ec2:{error.operation_name}"
    said = _line(str(error.response.get("Error", {}).get("Message", "")))
    if code in _FORBIDDEN:
        return _forbidden(action, said, what)
    if code in _THROTTLED:
        return EnvironmentError_(
            f"AWS throttles {action} ({what}) in {region}, {ATTEMPTS} times in a row",
            hint="the same command again in a minute goes on from here",
        )
    if code in _EXPIRED:
        return EnvironmentError_(f"AWS: the credentials have expired ({code})", hint=_login(profile))
    if code == "RequestExpired":
        return EnvironmentError_(
            f"AWS: {said}", hint=f"is this machine's clock right (date -u)? else {_login(profile)}"
        )
    if code in _WRONG:
        return EnvironmentError_(
            f"AWS does not accept these credentials in {region}: {said} ({code})",
            hint=f"aws sts get-caller-identity; {_login(profile)}; a region may have to be enabled for the account",
        )
    if code in QUOTAS:
        return _quota(QUOTAS[code], code, what, region)
    if code in ("InsufficientInstanceCapacity", "Unsupported"):
        return EnvironmentError_(
            f"AWS: {what}: {said} ({code})", hint="another type in prod.yml, or later again"
        )
    if code == "AuthFailure.ServiceLinkedRoleCreationNotPermitted":
        return EnvironmentError_(
            f"AWS: {what}: this account has not used spot instances yet, and these credentials may not begin it",
            hint="aws iam create-service-linked-role --aws-service-name spot.amazonaws.com; or spot: false in prod.yml",
        )
    if code == "DependencyViolation":
        return EnvironmentError_(
            f"AWS: {what} is still used by something that is not ours: {said}",
            hint="pipeline prod down --dry-run",
        )
    if code in ("InvalidGroup.Duplicate", "InvalidKeyPair.Duplicate"):
        return UsageError(
            f"AWS: {what} is there already without our tags: it is somebody else's",
            hint="name: another one in prod.yml, or remove that one yourself",
        )
    return EnvironmentError_(f"AWS refused {action} for {what}: {said} ({code})")


def _forbidden(action: str, said: str, what: str) -> PipelineError:
    # newer refusals name the action (not always the call's: creating with tags needs ec2:CreateTags) and the resource
    named = re.search(r"to perform: ([\w:]+)(?: on resource: (\S+))?", said)
    action = named[1] if named else action
    resource = f"{what} ({named[2]})" if named and named[2] else what
    return EnvironmentError_(
        f"AWS: these credentials lack the permission {action} for {resource}",
        hint="docs/aws-policy.json has all that is needed, to attach to this user or role",
    )


def _quota(quota: Quota, code: str, what: str, region: str) -> PipelineError:
    return EnvironmentError_(
        f"AWS: {what}: this account's quota of {quota.what} is used up ({code}, quota {quota.code})",
        hint=quota.request(region, "N"),
    )


def _login(profile: str | None, *, fresh: bool = False) -> str:
    named = f" --profile {profile}" if profile and profile != "default" else ""
    if fresh:
        return f"aws configure sso{named}, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return f"aws sso login{named}"


def _line(text: str) -> str:
    """One line; without the encoded part of a refusal, which is long and which nobody can read."""
    return re.sub(r"\s*Encoded authorization failure message:.*", "", " ".join(text.split()))[:400]
