"""What the account may still make: asked before anything is made, as far as AWS tells.

Service Quotas needs a permission of its own. Where it is missing, or nothing is told, the plan says so and goes on: the
call that is refused in the end names the quota as well (`errors`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.base.errors import EnvironmentError_
from pipeline.prod.aws.errors import QUOTAS, Quota
from pipeline.prod.aws.hosts import Pair
from pipeline.prod.aws.images import Kind
from pipeline.prod.aws.session import Aws, code_of

__all__ = ["check_quotas"]

# The families whose vCPUs are counted together; each other one has a quota of its own.
_STANDARD: Final = re.compile(r"[acdhimrtz]\d")
_RUNNING: Final = ("pending", "running")


@dataclass(frozen=True, slots=True)
class _Need:
    """So much more of what a quota is about."""

    quota: Quota
    wanted: int
    used: int


def check_quotas(aws: Aws, new: Sequence[Pair], kinds: dict[str, Kind], *, makes_vpc: bool) -> list[str]:
    """Notes for the plan. Raises EnvironmentError_ where a quota has no room for what is planned.

    `new` are the hosts that get a type which they have not.
    """
    needs = _of_hosts(aws, new, kinds)
    if makes_vpc:
        there = len(aws.listed("describe_vpcs", "Vpcs"))
        needs.append(_Need(QUOTAS["VpcLimitExceeded"], 1, there))
    silent = {}
    for need in needs:
        try:
            asked = {"ServiceCode": need.quota.service, "QuotaCode": need.quota.code}
            value = float(aws.quotas.get_service_quota(**asked)["Quota"]["Value"])
        except (ClientError, BotoCoreError, KeyError, TypeError, ValueError) as error:
            silent[code_of(error) if isinstance(error, ClientError) else type(error).__name__] = need
            continue
        _check(aws, need, value)
    if not silent:
        return []
    names = " and ".join(need.quota.what for need in silent.values())
    return [f"AWS did not tell this account's quota of {names} ({', '.join(silent)}): not checked."]


def _check(aws: Aws, need: _Need, value: float) -> None:
    total = need.used + need.wanted
    if total <= value:
        return
    raise EnvironmentError_(
        f"AWS: this account's quota of {need.quota.what} is {value:g} in {aws.region}, {need.used} are used, and this "
        f"plan needs {need.wanted} more (quota {need.quota.code})",
        hint=need.quota.request(aws.region, str(math.ceil(total))),
    )


def _of_hosts(aws: Aws, new: Sequence[Pair], kinds: dict[str, Kind]) -> list[_Need]:
    """vCPUs, those of spot instances by themselves."""
    needs = []
    for spot, code in ((False, "VcpuLimitExceeded"), (True, "MaxSpotInstanceCountExceeded")):
        hosts = [
            pair for pair in new if pair.wanted.spot is spot and _STANDARD.match(pair.wanted.type) is not None
        ]
        if hosts:
            resized = [str(pair.instance["InstanceId"]) for pair in hosts if pair.instance is not None]
            wanted = sum(kinds[pair.wanted.type].vcpus for pair in hosts)
            needs.append(_Need(QUOTAS[code], wanted, _used(aws, spot, resized)))
    return needs


def _used(aws: Aws, spot: bool, apart_from: Collection[str]) -> int:
    """The vCPUs of the account's standard instances that run in the region."""
    running = [{"Name": "instance-state-name", "Values": list(_RUNNING)}]
    return sum(
        int(instance.get("CpuOptions", {}).get("CoreCount", 0))
        * int(instance.get("CpuOptions", {}).get("ThreadsPerCore", 0))
        for reservation in aws.listed("describe_instances", "Reservations", Filters=running)
        for instance in reservation["Instances"]
        if _STANDARD.match(str(instance["InstanceType"]))
        and (instance.get("InstanceLifecycle") == "spot") is spot
        and instance["InstanceId"] not in apart_from
    )
