"""AWS as a place for production: looks, and makes plans of what was found and what is wanted."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
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
from pipeline.prod.aws.part import Part, production_part
from pipeline.prod.aws.quotas import check_quotas
from pipeline.prod.aws.session import Aws, connect
from pipeline.prod.aws.strangers import Strangers, find_strangers
from pipeline.prod.aws.tags import HOST, ROLE, name_of, tag
from pipeline.prod.aws.teardown import removal_steps
from pipeline.prod.cloud import Machine, Plan, Step
from pipeline.prod.settings import HERE, Settings, cautions

__all__ = ["AwsCloud"]

_USER = "admin"  # of Debian's images
_TAKEN_BACK_SECONDS = 60  # after which an instance that is gone will not come
_SHOWN_SECONDS = 30  # for a new instance to be found by its tag


class AwsCloud:
    """pipeline.prod.cloud.Cloud in one region of AWS.

    `part`: which hosts it plans, waits for and removes; usually production's, whose removal takes a canary's along.
    `aws` is for tests; usually it is made from the settings.
    """

    def __init__(self, settings: Settings, aws: Aws | None = None, part: Part | None = None) -> None:
        self.settings = settings
        self.part = part or production_part(settings)
        self.aws = aws or connect(settings.name, settings.region, settings.profile)
        self.where = f"aws {self.aws.region}"
        self._made: set[str] = set()

    @property
    def made(self) -> frozenset[str]:
        """The ids of the instances that were made here."""
        return frozenset(self._made)

    def plan(self) -> Plan:
        """See Cloud.plan. Raises UsageError for what cannot be done to what is there."""
        settings = self.settings
        here = f"{own_address()}/32" if HERE in settings.ssh_from else ""
        ssh_from = tuple(here if source == HERE else source for source in settings.ssh_from)
        with telling(self.aws, f"environment {settings.name}"):
            found = look(self.aws)
            ids = Ids(made=self._made)
            hosts = pairs(found, self.part.hosts)
            new = [pair.wanted for pair in hosts if pair.type_needed]
            kinds = kinds_of(self.aws, new) if new else {}
            steps = self._network(found, ids)
            steps += firewall_steps(self.aws, found, ids, self.part, ssh_from)
            steps.append(key_step(self.aws, found, ids))
            steps += host_steps(self.aws, ids, settings, hosts, kinds)
            steps += self._surplus(found, ids)
            changed = [pair for pair in hosts if pair.type_needed]
            notes = [
                *cautions(self.part.hosts),
                *check_quotas(self.aws, changed, kinds, makes_vpc=not ids.vpc),
            ]
        if any(host.spot for host in new):
            notes.append(
                "Spot: at most these prices, often a third. AWS may take such a host back at any time."
            )
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
            self._await_made()
            found = look(self.aws)
            strangers = find_strangers(self.aws, found)
            # the network and the key go with the last who has hosts there
            mine = found if not self.part.is_canary or self.part.is_alone(found) else self.part.own(found)
            steps = removal_steps(self.aws, mine, (), strangers)
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
        wanted = [host.name for host in self.part.hosts]
        with telling(self.aws, "the hosts"):
            while True:
                found = [each for each in instances_of(self.aws) if self.part.owns(each)]
                states = {tag(each, HOST): str(each["State"]["Name"]) for each in found}
                waited = time.monotonic() - began
                left = [name for name in wanted if states.get(name) != "running"]
                if not left:
                    return self._machines(found)
                lost = [name for name in left if states.get(name) not in ALIVE]
                if (lost and waited > _TAKEN_BACK_SECONDS) or waited > instances.PATIENCE:
                    raise self._not_running(lost or left, waited)
                progress.detail(f"{waited:.0f} s until they run: {', '.join(left)}")
                time.sleep(self.aws.poll)

    def _not_running(self, names: list[str], waited: float) -> EnvironmentError_:
        """What AWS says of new hosts that do not run."""
        pages = self.aws.ours("describe_instances", "Reservations")
        reasons = {
            str(each.get("StateReason", {}).get("Message", ""))
            for page in pages
            for each in page["Instances"]
            if tag(each, HOST) in names and each["InstanceId"] in self._made
        }
        said = "; ".join(sorted(reasons - {""}))
        hint = f"aws ec2 describe-instances --region {self.aws.region} --query 'Reservations[].Instances[].StateReason'"
        if self.settings.kms_key:
            hint = f"may these credentials use {self.settings.kms_key}? (docs/aws.md, Disks); {hint}"
        return EnvironmentError_(
            f"{', '.join(names)}: not running after {waited:.0f} s{': ' + said if said else ''}", hint=hint
        )

    def machines(self) -> tuple[Machine, ...]:
        """See Cloud.machines. A canary's are shown with production's, not the other way round."""
        with telling(self.aws, f"environment {self.settings.name}"):
            found = instances_of(self.aws)
            return self._machines([each for each in found if not self.part.is_canary or self.part.owns(each)])

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
        if not self.part.is_canary:
            shutil.rmtree(self._known_hosts(), ignore_errors=True)
        key = key_path(self.settings.name, self.aws.region)
        return f"the private key stays in {key}" if key.exists() else ""

    def _network(self, found: Found, ids: Ids) -> list[Step]:
        settings = self.settings
        if settings.subnet is not None:
            steps = [use_subnet(self.aws, ids, settings.subnet)]
        else:
            types = [host.type for host in self.part.hosts]
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
        mine = self.part.own(found)
        strangers = Strangers() if mine.network_is_in(ids.claimed) else find_strangers(self.aws, found)
        return removal_steps(self.aws, mine, ids.claimed, strangers)

    def _await_made(self) -> None:
        """Until EC2 shows all instances that were made here: a new one is not found by its tag in its first moment."""
        end = time.monotonic() + _SHOWN_SECONDS
        while self._made and time.monotonic() < end:
            pages = self.aws.ours("describe_instances", "Reservations")
            shown = {str(each["InstanceId"]) for page in pages for each in page["Instances"]}
            if self._made <= shown:
                return
            time.sleep(self.aws.poll)

    def _host(self, instance: dict[str, Any]) -> Host | None:
        address = str(instance.get("PublicIpAddress") or "")
        if not address:
            return None
        key = key_path(self.settings.name, self.aws.region)
        host = Host(
            tag(instance, HOST),
            address,
            user=_USER,
            key=key,
            private_address=str(instance.get("PrivateIpAddress") or ""),
            data={"environment": self.settings.name},
            # a file for each instance: AWS gives an address to others once it is free
            known_hosts=self._known_hosts() / str(instance["InstanceId"]),
        )
        # its service is used from here, through its public address; that of others by their neighbours
        return replace(host, private_address=address) if tag(instance, ROLE) == "proxy" else host

    def _known_hosts(self) -> Path:
        return directory(self.settings.name, self.aws.region) / "known_hosts"
