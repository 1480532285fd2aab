"""Debian 12's image, what instance types can do, and where they are offered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.deploy.applications import APPLICATIONS
from pipeline.prod.aws.session import Aws, code_of
from pipeline.prod.settings import Wanted

__all__ = ["Image", "Kind", "image_for", "kinds_of", "zone_for"]

# The account that publishes Debian's images: https://wiki.debian.org/Cloud/AmazonEC2Image
DEBIAN = "136693071363"
_NAMES = {"x86_64": "amd64", "arm64": "arm64"}  # processors, as EC2 and as Debian call them


@dataclass(frozen=True, slots=True)
class Image:
    """A machine image; `disk` is the name of its root device."""

    identifier: str
    name: str
    disk: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What an instance type is made of."""

    processor: str
    vcpus: int


def image_for(aws: Aws, processor: str) -> Image:
    """The newest Debian 12 for a processor. Raises EnvironmentError_ when the region has none."""
    pattern = f"debian-12-{_NAMES[processor]}-*"
    filters = [
        {"Name": "name", "Values": [pattern]},
        {"Name": "state", "Values": ["available"]},
        {"Name": "architecture", "Values": [processor]},
    ]
    found = aws.listed("describe_images", "Images", Owners=[DEBIAN], Filters=filters)
    if not found:
        raise EnvironmentError_(
            f"AWS: {aws.region} has no image {pattern} of Debian's account {DEBIAN}",
            hint="another region: in prod.yml",
        )
    newest = max(found, key=lambda image: (str(image["CreationDate"]), str(image["Name"])))
    return Image(str(newest["ImageId"]), str(newest["Name"]), str(newest["RootDeviceName"]))


def kinds_of(aws: Aws, hosts: Iterable[Wanted]) -> dict[str, Kind]:
    """Each type that the hosts are to have.

    Raises UsageError for a type that does not exist in the region, has a processor that Debian's images do not
    know or its application does not run on, or has too little memory for it.
    """
    wanted = list(hosts)
    types = sorted({host.type for host in wanted})
    try:
        found = {
            kind["InstanceType"]: kind
            for kind in aws.listed("describe_instance_types", "InstanceTypes", InstanceTypes=types)
        }
    except ClientError as error:
        if code_of(error) != "InvalidInstanceType":
            raise
        said = str(error.response["Error"].get("Message", ""))
        named = [kind for kind in types if kind in said] or types
        raise UsageError(
            f"{aws.region} has no instance type {' or '.join(named)}",
            hint="type: in prod.yml, such as t3.small",
        ) from None
    for host in wanted:
        _fits(host, found[host.type])
    return {
        name: Kind(_processor(name, kind), int(kind["VCpuInfo"]["DefaultVCpus"]))
        for name, kind in found.items()
    }


def _processor(name: str, kind: dict[str, Any]) -> str:
    for processor in kind["ProcessorInfo"]["SupportedArchitectures"]:
        if processor in _NAMES:
            return str(processor)
    raise UsageError(
        f"{name} has a processor for which Debian has no image", hint="type: in prod.yml, such as t3.small"
    )


def _fits(host: Wanted, kind: dict[str, Any]) -> None:
    memory, processors = int(kind["MemoryInfo"]["SizeInMiB"]), kind["ProcessorInfo"]["SupportedArchitectures"]
    for app in (app for app in APPLICATIONS if app.key == host.role):
        if app.processor and app.processor not in processors:
            raise UsageError(
                f"{host.type} is {' or '.join(processors)}; {app.name} runs on {app.processor} only, for its database",
                hint=f"{host.role}: type: in prod.yml, such as t3.small",
            )
        if memory < app.memory:
            raise UsageError(
                f"{host.type} has {memory} MB of memory; {app.name} needs {app.memory}",
                hint=f"{host.role}: type: in prod.yml",
            )


def zone_for(aws: Aws, types: Iterable[str]) -> str:
    """The first availability zone that offers all of the types: not every zone has every one."""
    wanted = sorted(set(types))
    offers = aws.listed(
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": wanted}],
    )
    # opted-in local zones are offered as well, with names such as us-west-2-lax-1a
    offers = [offer for offer in offers if re.fullmatch(rf"{aws.region}[a-z]", str(offer["Location"]))]
    zones = [{str(offer["Location"]) for offer in offers if offer["InstanceType"] == kind} for kind in wanted]
    common = set.intersection(*zones)
    if not common:
        raise UsageError(
            f"no zone of {aws.region} offers {' and '.join(wanted)} together", hint="other types in prod.yml"
        )
    return min(common)
