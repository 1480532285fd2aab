"""A canary whose hosts are made in a cloud: what the rooms of the canary and of production do together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pipeline.base.places import state_directory
from pipeline.canary.deployed import Hosts
from pipeline.canary.plan import describe
from pipeline.prod.canary_hosts import CanaryHosts, canary_cloud
from pipeline.prod.plan_text import plan_json, plan_lines

if TYPE_CHECKING:
    from pipeline.base.console import Progress
    from pipeline.canary.plan import Plan

__all__ = ["describe_both", "hosts_in", "planned_hosts"]


def planned_hosts(plan: Plan, progress: Progress) -> CanaryHosts:
    """The three hosts for a run, found and planned; nothing is made yet."""
    settings = plan.settings
    return CanaryHosts(
        canary_cloud(settings.prod_file, plan.profile.port),
        progress,
        file=settings.prod_file,
        seconds=max(phase.end for phase in settings.phases()),
        keep=settings.keep,
    )


@contextmanager
def hosts_in(made: CanaryHosts) -> Iterator[Hosts]:
    """The hosts, as a run takes them."""
    with made.made() as inventory:
        yield Hosts(inventory, state_directory() / "known_hosts", "aws", lambda: made.gone)


def describe_both(plan: Plan, hosts: CanaryHosts, *, as_json: bool) -> None:
    """What the run will do and what its hosts are, on stdout."""
    if as_json:
        run = json.loads(describe(plan, as_json=True))
        click.echo(json.dumps({**run, "hosts": plan_json(hosts.plan, applied=False)}))
    else:
        click.echo(describe(plan, as_json=False))
        click.echo("\n".join(plan_lines(hosts.plan)))
