"""plan -> confirm -> apply -> wait -> write the inventory; the same for every cloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, PipelineError
from pipeline.inventory.hosts import Host
from pipeline.prod import inventory
from pipeline.prod.cloud import Cloud, Machine, Plan, Step
from pipeline.prod.ready import wait_ready

__all__ = ["Outcome", "down", "up"]

Confirm = Callable[[Plan], None]  # shows the plan; raises PipelineError unless it is to be done
Wait = Callable[[Sequence[Host], Progress], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command planned, and whether it did it. `machines` are the hosts afterwards."""

    plan: Plan
    applied: bool
    machines: tuple[Machine, ...] = ()


def up(
    cloud: Cloud, plan: Plan, path: Path, progress: Progress, confirm: Confirm, wait: Wait = wait_ready
) -> Outcome:
    """Make things as planned, wait until every host answers SSH, write the inventory at `path`.

    Broken off anywhere, the next one goes on from there. Raises PipelineError in one line.
    """
    inventory.check_ours(path, plan.environment, plan.where)
    confirm(plan)
    apply(cloud, plan, progress)
    machines = cloud.settle(progress)
    hosts = [machine.host for machine in machines if machine.host is not None]
    if missing := [machine.name for machine in machines if machine.host is None]:
        raise EnvironmentError_(
            f"{', '.join(missing)}: runs without a public address",
            hint="pipeline prod status; remove it, then up again",
        )
    progress.say(f"waiting until {len(hosts)} hosts answer SSH")
    wait(hosts, progress)
    written = inventory.write(path, plan.environment, plan.where, machines)
    progress.say(f"all answer; {'wrote' if written else 'nothing new for'} {path}")
    return Outcome(plan, True, machines)


def down(cloud: Cloud, plan: Plan, path: Path, progress: Progress, confirm: Confirm) -> Outcome:
    """Remove all that is the environment's. Raises EnvironmentError_ when things of others kept some of it."""
    confirm(plan)
    apply(cloud, plan, progress)
    machines = cloud.machines()
    if not machines and inventory.remove(path, plan.environment, plan.where):
        progress.say(f"removed {path}")
    if plan.obstacles:
        raise EnvironmentError_(
            "not all could go, things of others stand in the way:\n" + "\n".join(plan.obstacles),
            hint="remove those yourself, then pipeline prod down again",
        )
    if said := cloud.forget():
        progress.say(said)
    return Outcome(plan, True, machines)


def apply(cloud: Cloud, plan: Plan, progress: Progress) -> None:
    """Every step in its order. What breaks off says what finishes it."""
    for step in plan.steps:
        if step.change.action != "keep":
            progress.say(sentence(step))
        try:
            cloud.apply(step, progress)
        except PipelineError as error:
            error.hint = error.hint or "the same command again goes on from here"
            raise


def sentence(step: Step) -> str:
    """A step as a line of progress."""
    doing = {"create": "creating", "change": "changing", "remove": "removing", "keep": "keeping"}[
        step.change.action
    ]
    detail = f": {step.change.detail}" if step.change.detail else ""
    return f"{doing} {step.change.kind} {step.change.name}".rstrip() + detail
