"""This machine as a place for production: the hosts of Vagrantfile.monitor behind the interface of a cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pipeline.base.console import Progress
from pipeline.base.interrupt import uninterrupted
from pipeline.base.lock import lab_lock
from pipeline.base.places import workplace
from pipeline.inventory.hosts import Host
from pipeline.lab.lab import Lab
from pipeline.lab.sets import PRODUCTION, HostSet
from pipeline.prod.cloud import Change, Machine, Plan, Step

__all__ = ["VagrantCloud"]

_Say = Callable[[str], None]
_Make = Callable[[_Say], Lab]


class VagrantCloud:
    """pipeline.prod.cloud.Cloud over the hosts `host_set` of this workplace; they cost nothing.

    `environment` is whose secrets the deploys take. `make` is for tests; usually it makes the Lab of this workplace
    on `provider` (None: the one they are on, or the first that works).
    """

    def __init__(
        self,
        environment: str,
        provider: str | None = None,
        host_set: HostSet = PRODUCTION,
        make: _Make | None = None,
    ) -> None:
        self.environment = environment
        self.host_set = host_set
        self.where = "vagrant"
        self._make: _Make = make or (lambda say: Lab(workplace(), provider, say, host_set))

    def is_there(self) -> bool:
        """Whether this workplace has such hosts, running or stopped."""
        return any(state != "not_created" for _, state, _ in self._lab().status())

    def plan(self) -> Plan:
        """See Cloud.plan. Raises LabError when no provider works here."""
        lab = self._lab()
        provider = lab.provider
        sizes = self.host_set.settings(provider)
        changes = []
        for name, state, _ in lab.status():
            size = f"{self.host_set.memory_of(name, sizes)} MB, on {provider}"
            if state == "not_created":
                changes.append(Change("create", "host", name, size))
            elif state == "running":
                changes.append(Change("keep", "host", name, size))
            else:
                changes.append(Change("change", "host", name, f"{state}: start it as it was"))
        return Plan(self.environment, self.where, _at_once(changes, self._boot))

    def removal(self) -> Plan:
        """See Cloud.removal."""
        changes = [
            Change("remove", "host", name, "with all its data")
            for name, state, _ in self._lab().status()
            if state != "not_created"
        ]
        return Plan(self.environment, self.where, _at_once(changes, self._remove))

    def apply(self, step: Step, progress: Progress) -> None:
        """See Cloud.apply."""
        if step.run is not None:
            step.run(progress)

    def settle(self, progress: Progress) -> tuple[Machine, ...]:
        """See Cloud.settle: what does not answer is mended."""
        self._boot(progress)
        return self.machines()

    def machines(self) -> tuple[Machine, ...]:
        """See Cloud.machines."""
        lab = self._lab()
        rows = [(name, state) for name, state, _ in lab.status() if state != "not_created"]
        if not rows:
            return ()
        provider, hosts = lab.provider, {host.name: host for host in lab.hosts()}
        prefix, sizes = self.host_set.prefix(lab.root), self.host_set.settings(provider)
        return tuple(
            Machine(
                name,
                name,
                f"{self.host_set.memory_of(name, sizes)} MB, {provider}",
                state,
                prefix + name,
                0.0,
                self._host(hosts[name]) if name in hosts and state == "running" else None,
            )
            for name, state in sorted(rows)
        )

    def forget(self) -> str:
        """See Cloud.forget: also what a broken-off `up` left besides hosts."""
        self._remove(Progress(quiet=True))
        return ""

    def _lab(self, say: _Say = lambda _: None) -> Lab:
        return self._make(say)

    def _boot(self, progress: Progress) -> None:
        lab = self._lab(progress.say)
        with lab_lock(lab.state):
            lab.up()

    def _remove(self, progress: Progress) -> None:
        lab = self._lab(progress.say)
        with lab_lock(lab.state), uninterrupted(f"removing {self.host_set.title}"):
            lab.down()

    def _host(self, host: Host) -> Host:
        return replace(host, data={**host.data, "environment": self.environment})


def _at_once(changes: list[Change], run: Callable[[Progress], None]) -> tuple[Step, ...]:
    """Steps of which the last that changes something does the work of all: Vagrant takes the hosts side by side."""
    last = next((change for change in reversed(changes) if change.action != "keep"), None)
    return tuple(Step(change, run if change is last else None) for change in changes)
