"""`pipeline lab`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from pipeline.base.console import Progress
from pipeline.base.errors import Exit, UsageError
from pipeline.base.text import reason_of
from pipeline.cli.options import json_option, provider_option
from pipeline.lab.sets import CANARY, MONITOR, SETS, HostSet, set_of

__all__ = ["lab"]

_HOSTS = tuple(host for host_set in SETS.values() for host in host_set.hosts)


class _Set(click.Choice[str]):
    """The name of a set of hosts; the command gets the set."""

    def __init__(self, sets: Mapping[str, HostSet]) -> None:
        super().__init__(list(sets))
        self.sets = sets

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if isinstance(value, HostSet) else self.sets[super().convert(value, param, ctx)]


_set_argument = click.argument(
    "host_set", metavar="[canary|production]", type=_Set(SETS), default=CANARY, required=False
)
# The local monitor of a cloud's hosts comes with `prod up`; it can go without asking the cloud.
_down_argument = click.argument(
    "host_set",
    metavar="[canary|production|monitor]",
    type=_Set({**SETS, MONITOR.name: MONITOR}),
    default=CANARY,
    required=False,
)


@click.group()
def lab() -> None:
    """Local hosts, in two sets: canary (proxy, blue, green; the usual one), production (checkbox, itrust, monitor).

    They come bare, for tests and for tinkering. `pipeline prod up --cloud vagrant` takes the same production hosts
    further: an inventory file, the monitor, the page.
    """


@lab.command()
@_set_argument
@provider_option
def up(host_set: HostSet, provider: str | None) -> int:
    """Boot the hosts of a set; a second time finds them up."""
    from pipeline.base.lock import lab_lock
    from pipeline.base.places import state_directory, workplace
    from pipeline.lab.lab import Lab

    progress = Progress()
    with lab_lock(host_set.state(state_directory())):
        machine = Lab(workplace(), provider, progress.say, host_set)
        inventory = machine.up()
    for host in inventory:
        click.echo(f"{host.name}  {host.address}:{host.port}")
    return Exit.OK


@lab.command()
@_set_argument
@provider_option
@json_option
def status(host_set: HostSet, provider: str | None, as_json: bool) -> int:
    """What each host of a set is doing."""
    from pipeline.base.places import workplace
    from pipeline.lab.lab import Lab

    rows = Lab(workplace(), provider, Progress(quiet=True).say, host_set).status()
    if as_json:
        click.echo(
            json.dumps([{"host": name, "state": state, "address": address} for name, state, address in rows])
        )
    else:
        click.echo(tabulate(rows, headers=("host", "state", "address"), tablefmt="plain"))
    return Exit.OK


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("host", type=click.Choice(_HOSTS))
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@provider_option
def ssh(host: str, command: tuple[str, ...], provider: str | None) -> int:
    """A shell on HOST, or COMMAND there."""
    from pipeline.base.places import workplace
    from pipeline.lab.lab import Lab
    from pipeline.remote.ssh import become_ssh

    become_ssh(Lab(workplace(), provider, Progress(quiet=True).say, set_of(host)).ssh_command(host), command)


@lab.command()
@_set_argument
@provider_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it to FILE, readable by you only.  [default: print it]",
)
def inventory(host_set: HostSet, provider: str | None, output: Path | None) -> int:
    """The inventory file of hosts that are up, for `pipeline deploy -i` and plain pyinfra."""
    from pipeline.base.places import workplace
    from pipeline.inventory.file import inventory_text, write_inventory
    from pipeline.lab.lab import Lab

    hosts = Lab(workplace(), provider, Progress(quiet=True).say, host_set).inventory()
    if output is None:
        click.echo(inventory_text(hosts), nl=False)
    else:
        try:
            write_inventory(hosts, output)
        except OSError as error:
            raise UsageError(f"{output}: cannot be written: {reason_of(error)}") from error
        click.echo(output)
    return Exit.OK


@lab.command()
@_down_argument
@provider_option
def down(host_set: HostSet, provider: str | None) -> int:
    """Remove the hosts of a set and what belongs to them; monitor: the local one of hosts in a cloud."""
    from pipeline.base.interrupt import uninterrupted
    from pipeline.base.lock import lab_lock
    from pipeline.base.places import state_directory, workplace
    from pipeline.lab.lab import Lab

    with lab_lock(host_set.state(state_directory())), uninterrupted(f"removing {host_set.title}"):
        Lab(workplace(), provider, Progress().say, host_set).down()
    return Exit.OK


@lab.command()
@provider_option
@click.option("--rebuild", is_flag=True, help="Build it again even if it is there.")
def box(provider: str | None, rebuild: bool) -> int:
    """Build the base box that all hosts start from, if it is not there."""
    from pipeline.lab.box import ensure_box
    from pipeline.lab.provider import choose_provider

    progress = Progress()
    click.echo(ensure_box(choose_provider(provider), progress.say, rebuild=rebuild))
    return Exit.OK
