"""The hosts themselves: made, started, resized, waited for."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection
from typing import Any

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_
from pipeline.prod.aws.found import ALIVE, Ids, instances_of
from pipeline.prod.aws.images import Image
from pipeline.prod.aws.session import Aws
from pipeline.prod.aws.tags import specification
from pipeline.prod.settings import Settings, Wanted

__all__ = ["PATIENCE", "create", "resize", "start", "wait_for"]

_Instance = dict[str, Any]
# One that is taken back is gone, as one that is terminated: a stopped one would still be paid for.
_SPOT: dict[str, Any] = {
    "InstanceMarketOptions": {
        "MarketType": "spot",
        "SpotOptions": {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"},
    }
}
PATIENCE = 600  # seconds until an instance has done what it was told


def create(aws: Aws, ids: Ids, settings: Settings, host: Wanted, image: Image) -> None:
    """One instance: encrypted disk, metadata only by IMDSv2, a public address, tagged from its first moment.

    Its id goes to `ids.made`.
    """
    name = f"{aws.environment}-{host.name}"
    tags = {"role": host.role, "host": host.name, "disk": str(settings.disk)}
    parameters: dict[str, Any] = {
        "ImageId": image.identifier,
        "InstanceType": host.type,
        "KeyName": ids.key,
        "MinCount": 1,
        "MaxCount": 1,
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 1,
        },
        "BlockDeviceMappings": [
            {
                "DeviceName": image.disk,
                "Ebs": {
                    "VolumeSize": settings.disk,
                    "VolumeType": "gp3",
                    "Encrypted": True,
                    "DeleteOnTermination": True,
                },
            }
        ],
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": ids.subnet,
                "Groups": [ids.groups[host.role]],
                "AssociatePublicIpAddress": True,
                "DeleteOnTermination": True,
            }
        ],
        **(_SPOT if host.spot else {}),
        "TagSpecifications": [
            specification(kind, aws.environment, name, **tags)
            for kind in ("instance", "volume", "network-interface")
        ],
    }
    if settings.kms_key:
        parameters["BlockDeviceMappings"][0]["Ebs"]["KmsKeyId"] = settings.kms_key
    # The same request has the same token, so one whose answer got lost gives its instance, not a second one. EC2
    # also keeps the token of an instance that has been removed since: then the next number asks for a new one.
    for number in range(100):
        text = json.dumps([number, parameters], sort_keys=True)
        token = hashlib.sha256(text.encode()).hexdigest()
        made = aws.patiently(aws.client.run_instances, ".NotFound", ClientToken=token, **parameters)
        if made["Instances"][0]["State"]["Name"] in ALIVE:
            ids.made.add(str(made["Instances"][0]["InstanceId"]))
            return
    raise EnvironmentError_(f"{name}: EC2 gives only instances that have been removed")


def start(aws: Aws, identifier: str, progress: Progress) -> None:
    """Start a stopped instance, also one that is still stopping."""
    wait_for(aws, "stopped", [identifier], progress)
    aws.client.start_instances(InstanceIds=[identifier])
    wait_for(aws, "running", [identifier], progress)


def resize(aws: Aws, instance: _Instance, kind: str, progress: Progress) -> None:
    """Another type: stop, change, start. Its disk and private address stay, its public address does not."""
    identifier = str(instance["InstanceId"])
    if instance["State"]["Name"] == "pending":
        wait_for(aws, "running", [identifier], progress)
    if instance["State"]["Name"] in ("pending", "running"):
        aws.client.stop_instances(InstanceIds=[identifier])
    wait_for(aws, "stopped", [identifier], progress)
    aws.client.modify_instance_attribute(InstanceId=identifier, InstanceType={"Value": kind})
    start(aws, identifier, progress)


def wait_for(aws: Aws, state: str, identifiers: Collection[str], progress: Progress) -> None:
    """Until all of these are in `state`; `terminated` is also those that EC2 shows no more."""

    def missing() -> list[str]:
        there = {str(each["InstanceId"]): str(each["State"]["Name"]) for each in instances_of(aws)}
        if state == "terminated":
            return [identifier for identifier in identifiers if identifier in there]
        return [identifier for identifier in identifiers if there.get(identifier) != state]

    _wait(aws, missing, f"until {'they are' if len(identifiers) > 1 else 'it is'} {state}", progress)


def _wait(aws: Aws, missing: Callable[[], list[str]], what: str, progress: Progress) -> None:
    began = time.monotonic()
    while left := missing():
        waited = time.monotonic() - began
        if waited > PATIENCE:
            raise EnvironmentError_(
                f"{', '.join(left)}: waited {PATIENCE} s {what}",
                hint=f"aws ec2 describe-instances --region {aws.region}",
            )
        progress.detail(f"{waited:.0f} s {what}: {', '.join(left)}")
        time.sleep(aws.poll)
