"""AWS as a place for production: looks, and makes plans of what was found and what is wanted."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.inventory.hosts import Host
from pipeline.prod.aws import instances, prices
from pipeline.prod.aws.address import own_address
from pipeline.prod.aws.errors import telling
from pipeline.prod.aws.firewall import firewall_steps
from pipeline.prod.aws.found import ALIVE, Found, Ids, instances_of, look
from pipeline.prod.aws.hosts import disk_of, host_steps, hourly, pairs
from pipeline.prod.aws.images import kinds_of, zone_for
from pipeline.prod.aws.keys import directory, key_path, key_step
from pipeline.prod.aws.network import network_steps, use_subnet
from pipeline.prod.aws.session import Aws, connect
from pipeline.prod.aws.strangers import Strangers, find_strangers
from pipeline.prod.aws.tags import HOST, ROLE, name_of, tag
from pipeline.prod.aws.teardown import removal_steps
from pipeline.prod.cloud import Machine, Plan, Step
from pipeline.prod.settings import HERE, Settings

__all__ = ["AwsCloud"]

_USER = "admin"  # of Debian's images


class AwsCloud:
    """pipeline.prod.cloud.Cloud in one region of AWS. `aws` is for tests; usually it is made from the settings."""

    def __init__(self, settings: Settings, aws: Aws | None = None) -> None:
        self.settings = settings
        self.aws = aws or connect(settings.name, settings.region, settings.profile)
        self.where = f"aws {settings.region}"

    def plan(self) -> Plan:
        """See Cloud.plan. Raises UsageError for what cannot be done to what is there."""
        settings = self.settings
        here = f"{own_address()}/32" if HERE in settings.ssh_from else ""
        ssh_from = tuple(here if source == HERE else source for source in settings.ssh_from)
        with telling(self.aws, f"environment {settings.name}"):
            found = look(self.aws)
            ids = Ids()
            hosts = pairs(found, settings)
            new = [pair.wanted for pair in hosts if pair.type_needed]
            processors = kinds_of(self.aws, new) if new else {}
            steps = self._network(found, ids)
            steps += firewall_steps(self.aws, found, ids, settings, ssh_from)
            steps.append(key_step(self.aws, found, ids))
            steps += host_steps(self.aws, ids, settings, hosts, processors)
            steps += self._surplus(found, ids)
        notes = []
        if "0.0.0.0/0" in ssh_from:
            notes.append("SSH is open to the whole internet: ssh_from in prod.yml can narrow it.")
        if here:
            address = here.removesuffix("/32")
            notes.append(f"SSH is open to this machine's address, {address}. When that changes: up again.")
        notes.append(f"Prices: {prices.SOURCE}.")
        return Plan(settings.name, self.where, tuple(steps), tuple(notes))

    def removal(self) -> Plan:
        """See Cloud.removal."""
        with telling(self.aws, f"environment {self.settings.name}"):
            found = look(self.aws)
            strangers = find_strangers(self.aws, found)
            steps = removal_steps(self.aws, found, (), strangers)
        return Plan(self.settings.name, self.where, tuple(steps), obstacles=tuple(strangers.words))

    def apply(self, step: Step, progress: Progress) -> None:
        """See Cloud.apply."""
        if step.run is not None:
            what = f"{step.change.kind} {step.change.name}".strip()
            with telling(self.aws, f"{what} of {self.settings.name}"):
                step.run(progress)

    def settle(self, progress: Progress) -> tuple[Machine, ...]:
        """See Cloud.settle. A host that AWS took back (no capacity, no right to its key) is an EnvironmentError_."""
        began = time.monotonic()
        wanted = [host.name for host in self.settings.hosts()]
        with telling(self.aws, "the hosts"):
            while True:
                found = instances_of(self.aws)
                states = {tag(each, HOST): str(each["State"]["Name"]) for each in found}
                waited = time.monotonic() - began
                left = [name for name in wanted if states.get(name) != "running"]
                if not left:
                    return self._machines(found)
                lost = [name for name in left if states.get(name) not in ALIVE]
                if (lost and waited > 60) or waited > instances.PATIENCE:
                    raise EnvironmentError_(
                        f"{', '.join(lost or left)}: not running after {waited:.0f} s",
                        hint=f"aws ec2 describe-instances --region {self.aws.region} --query "
                        "'Reservations[].Instances[].StateReason'",
                    )
                progress.detail(f"{waited:.0f} s until they run: {', '.join(left)}")
                time.sleep(self.aws.poll)

    def machines(self) -> tuple[Machine, ...]:
        """See Cloud.machines."""
        with telling(self.aws, f"environment {self.settings.name}"):
            return self._machines(instances_of(self.aws))

    def _machines(self, found: list[dict[str, Any]]) -> tuple[Machine, ...]:
        machines = [
            Machine(
                tag(each, HOST) or name_of(each),
                tag(each, ROLE),
                str(each["InstanceType"]),
                str(each["State"]["Name"]),
                str(each["InstanceId"]),
                hourly(str(each["InstanceType"]), disk_of(each), running=each["State"]["Name"] == "running"),
                self._host(each),
            )
            for each in found
        ]
        return tuple(sorted(machines, key=lambda machine: machine.name))

    def forget(self) -> str:
        """See Cloud.forget. The private key stays: the next `up` uses it again."""
        shutil.rmtree(self._known_hosts(), ignore_errors=True)
        key = key_path(self.settings.name, self.settings.region)
        return f"the private key stays in {key}" if key.exists() else ""

    def _network(self, found: Found, ids: Ids) -> list[Step]:
        settings = self.settings
        if settings.subnet is not None:
            steps = [use_subnet(self.aws, ids, settings.subnet)]
        else:
            types = [host.type for host in settings.hosts()]
            zone = "" if found.subnets else zone_for(self.aws, types)
            steps = network_steps(self.aws, found, ids, settings, zone)
        for instance in found.instances:
            if instance.get("SubnetId") != ids.subnet:
                raise UsageError(
                    f"{name_of(instance)} is in {instance.get('SubnetId')}; hosts cannot move to another subnet",
                    hint="pipeline prod down, then up; or the old subnet: in prod.yml",
                )
        return steps

    def _surplus(self, found: Found, ids: Ids) -> list[Step]:
        """What is ours and not wanted any more: hosts of a smaller count, and what an `up` that broke off left."""
        strangers = Strangers() if found.network_is_in(ids.claimed) else find_strangers(self.aws, found)
        return removal_steps(self.aws, found, ids.claimed, strangers)

    def _host(self, instance: dict[str, Any]) -> Host | None:
        address = str(instance.get("PublicIpAddress") or "")
        if not address:
            return None
        key = key_path(self.settings.name, self.settings.region)
        return Host(
            tag(instance, HOST),
            address,
            user=_USER,
            key=key,
            private_address=str(instance.get("PrivateIpAddress") or ""),
            data={"environment": self.settings.name},
            # a file for each instance: AWS gives an address to others once it is free
            known_hosts=self._known_hosts() / str(instance["InstanceId"]),
        )

    def _known_hosts(self) -> Path:
        return directory(self.settings.name, self.settings.region) / "known_hosts"
