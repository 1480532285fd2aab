"""Hosts in a cloud, and a monitor on this machine that watches them."""

from __future__ import annotations

from dataclasses import replace

from pipeline.base.console import Progress
from pipeline.prod.cloud import Cloud, Machine, Plan, Step

__all__ = ["WithLocalMonitor"]


class WithLocalMonitor:
    """pipeline.prod.cloud.Cloud of two: `cloud` has the applications' hosts, `here` the monitor.

    With `wanted` false prod.yml does not want the monitor any more: the next `up` removes it.
    """

    def __init__(self, cloud: Cloud, here: Cloud, *, wanted: bool = True) -> None:
        self._cloud = cloud
        self._here = here
        self._wanted = wanted
        self._steps: dict[int, Cloud] = {}  # by the id() of a step: which of the two does it

    def plan(self) -> Plan:
        """See Cloud.plan."""
        return self._both(self._cloud.plan(), self._here.plan() if self._wanted else self._here.removal())

    def removal(self) -> Plan:
        """See Cloud.removal."""
        return self._both(self._cloud.removal(), self._here.removal())

    def apply(self, step: Step, progress: Progress) -> None:
        """See Cloud.apply."""
        self._steps[id(step)].apply(step, progress)

    def settle(self, progress: Progress) -> tuple[Machine, ...]:
        """See Cloud.settle."""
        if not self._wanted:
            self._here.forget()
            return self._cloud.settle(progress)
        return (*map(_public, self._cloud.settle(progress)), *self._here.settle(progress))

    def machines(self) -> tuple[Machine, ...]:
        """See Cloud.machines."""
        return (*map(_public, self._cloud.machines()), *self._here.machines())

    def forget(self) -> str:
        """See Cloud.forget."""
        self._here.forget()
        return self._cloud.forget()

    def _both(self, plan: Plan, here: Plan) -> Plan:
        self._steps = {id(step): self._cloud for step in plan.steps}
        self._steps |= {id(step): self._here for step in here.steps}
        return replace(plan, steps=(*plan.steps, *here.steps))


def _public(machine: Machine) -> Machine:
    """The host as a monitor outside the cloud reaches it: its private address is of no use there."""
    if machine.host is None:
        return machine
    return replace(machine, host=replace(machine.host, private_address=machine.host.address))
