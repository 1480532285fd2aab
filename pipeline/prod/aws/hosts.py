"""Which instance is which wanted host, and the steps that make them equal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipeline.base.console import Progress
from pipeline.base.errors import UsageError
from pipeline.prod.aws import instances, prices
from pipeline.prod.aws.found import Found, Ids
from pipeline.prod.aws.images import Image, Kind, image_for
from pipeline.prod.aws.session import Aws
from pipeline.prod.aws.tags import DISK, HOST, tag
from pipeline.prod.cloud import Change, Step
from pipeline.prod.settings import Settings, Wanted

__all__ = ["Pair", "disk_of", "host_steps", "hourly", "pairs"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A wanted host and its instance, if there is one."""

    wanted: Wanted
    instance: dict[str, Any] | None

    @property
    def type_needed(self) -> bool:
        """Whether it is to get a type that it has not."""
        return self.instance is None or self.instance["InstanceType"] != self.wanted.type


def pairs(found: Found, hosts: Iterable[Wanted]) -> list[Pair]:
    """Every wanted host; of several instances of one name the oldest is it."""
    named = {tag(instance, HOST): instance for instance in reversed(found.instances)}
    return [Pair(host, named.get(host.name)) for host in hosts]


def disk_of(instance: dict[str, Any]) -> int:
    """GB of its disk; 0 when nobody wrote that down."""
    text = tag(instance, DISK)
    return int(text) if text.isdecimal() else 0


def hourly(kind: str, disk: int, *, running: bool = True) -> float | None:
    """About what a host costs, in USD an hour; None when its type is not in the table. `disk` is in GB."""
    storage = prices.storage_hourly(disk)
    price = prices.instance_hourly(kind)
    if not running:
        return storage
    return None if price is None else price + prices.ADDRESS + storage


def host_steps(
    aws: Aws, ids: Ids, settings: Settings, hosts: list[Pair], kinds: dict[str, Kind]
) -> list[Step]:
    """A step for each wanted host. `kinds` has the types that are new; images are looked up here."""
    images = {
        processor: image_for(aws, processor)
        for processor in sorted(
            {kinds[pair.wanted.type].processor for pair in hosts if pair.instance is None}
        )
    }
    steps = []
    for pair in hosts:
        if pair.instance is None:
            steps.append(_create(aws, ids, settings, pair.wanted, images[kinds[pair.wanted.type].processor]))
        else:
            ids.claimed.add(str(pair.instance["InstanceId"]))
            steps.append(_existing(aws, settings, pair.wanted, pair.instance, kinds))
    return steps


def _create(aws: Aws, ids: Ids, settings: Settings, host: Wanted, image: Image) -> Step:
    detail = f"{host.type}{' spot' if host.spot else ''}, {settings.disk} GB, {image.name}"
    return Step(
        Change("create", "host", host.name, detail, hourly(host.type, settings.disk)),
        lambda _: instances.create(aws, ids, settings, host, image),
    )


def _existing(
    aws: Aws, settings: Settings, host: Wanted, instance: dict[str, Any], kinds: dict[str, Kind]
) -> Step:
    identifier, kind = str(instance["InstanceId"]), str(instance["InstanceType"])
    state, disk = instance["State"]["Name"], disk_of(instance)
    cost = hourly(host.type, disk)
    if instance.get("InstanceLifecycle") == "spot" and (
        kind != host.type or state in ("stopping", "stopped")
    ):
        raise UsageError(
            f"{host.name} is a spot instance, which can be neither stopped nor changed to {host.type}",
            hint="pipeline prod down --canary, then the same command again",
        )
    if kind != host.type:
        old, new = str(instance["Architecture"]), kinds[host.type].processor
        if old != new:
            raise UsageError(
                f"{host.name} cannot become {host.type}: its disk is for {old}, that type is {new}",
                hint="count: 0 and up, then the new type and up: a new host without the old one's data",
            )
        detail = f"{kind} -> {host.type}: stop, start, new public address"
        return Step(
            Change("change", "host", host.name, detail, cost),
            lambda progress: instances.resize(aws, instance, host.type, progress),
        )
    if state in ("stopping", "stopped"):

        def start(progress: Progress) -> None:
            instances.start(aws, identifier, progress)

        return Step(
            Change("change", "host", host.name, f"{state}: start it, new public address", cost), start
        )
    detail = f"{identifier} {kind}, {state}"
    if disk and disk != settings.disk:
        detail += f"; its disk stays {disk} GB, {settings.disk} is for new hosts"
    return Step(Change("keep", "host", host.name, detail, cost))
