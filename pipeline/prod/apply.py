"""Carries out a plan, the same for every cloud: confirm, apply, wait for the hosts, write the inventory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, PipelineError
from pipeline.inventory.hosts import Host
from pipeline.prod.cloud import Cloud, Machine, Plan, Step
from pipeline.prod.inventory import check_own_file, remove_own_file, write_own_file
from pipeline.prod.ready import wait_ready

__all__ = ["apply", "down", "reachable", "up"]

_Confirm = Callable[[Plan], None]  # shows the plan; raises PipelineError unless it is to be done
_Wait = Callable[[Sequence[Host], Progress], None]


def up(
    cloud: Cloud, plan: Plan, path: Path, progress: Progress, confirm: _Confirm, wait: _Wait = wait_ready
) -> tuple[Machine, ...]:
    """Make things as planned, write the inventory, wait until every host answers SSH.

    Args:
        cloud: Where.
        plan: What `cloud` planned.
        path: The inventory file that is written.
        progress: Gets the steps.
        confirm: Shows the plan; raises PipelineError unless it is to be done.
        wait: Returns once every host answers.

    Returns:
        The hosts that are there now.

    Raises:
        PipelineError: In one line, what broke it off; the next `up` goes on from there.
    """
    check_own_file(path, plan.environment, plan.where)
    confirm(plan)
    for step in plan.steps:
        apply(cloud, step, progress)
    machines = cloud.settle(progress)
    hosts = reachable(machines)
    # Before the wait: where SSH does not get through from here, the hosts are there nevertheless.
    written = write_own_file(path, plan.environment, plan.where, machines)
    progress.say(f"{'wrote' if written else 'nothing new for'} {path}")
    progress.say(f"waiting until {len(hosts)} hosts answer SSH")
    wait(hosts, progress)
    return machines


def down(cloud: Cloud, plan: Plan, path: Path | None, progress: Progress, confirm: _Confirm) -> None:
    """Remove all that is the environment's, and the inventory at `path` if it is the environment's, too.

    The parameters are those of `up`; without `path` no inventory goes. Raises EnvironmentError_ when things of others
    kept some of it.
    """
    confirm(plan)
    for step in plan.steps:
        apply(cloud, step, progress)
    if path is not None and not cloud.machines() and remove_own_file(path, plan.environment, plan.where):
        progress.say(f"removed {path}")
    if plan.obstacles:
        raise EnvironmentError_(
            "not all could go, things of others stand in the way:\n" + "\n".join(plan.obstacles),
            hint="remove those yourself, then pipeline prod down again",
        )
    if said := cloud.forget():
        progress.say(said)


def apply(cloud: Cloud, step: Step, progress: Progress) -> None:
    """One step of a plan. What breaks off says what finishes it."""
    if step.change.action != "keep":
        progress.say(_sentence(step))
    try:
        cloud.apply(step, progress)
    except PipelineError as error:
        error.hint = error.hint or "the same command again goes on from here"
        raise


def reachable(machines: Sequence[Machine]) -> list[Host]:
    """The hosts of all machines. Raises EnvironmentError_ where one has no address."""
    if missing := [machine.name for machine in machines if machine.host is None]:
        raise EnvironmentError_(
            f"{', '.join(missing)}: runs without a public address",
            hint="pipeline prod status; remove it, then up again",
        )
    return [machine.host for machine in machines if machine.host is not None]


def _sentence(step: Step) -> str:
    """A step as a line of progress."""
    doing = {"create": "creating", "change": "changing", "remove": "removing", "keep": "keeping"}[
        step.change.action
    ]
    detail = f": {step.change.detail}" if step.change.detail else ""
    return f"{doing} {step.change.kind} {step.change.name}".rstrip() + detail
