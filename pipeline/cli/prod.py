"""`pipeline prod`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
from tabulate import tabulate

from pipeline.base.console import Progress
from pipeline.base.errors import Exit, UsageError
from pipeline.cli.confirm import confirm, show_plan
from pipeline.cli.options import json_option

__all__ = ["prod"]

_file_option = click.option(
    "-f",
    "--file",
    "settings",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What production is to be; prod.example.yml says how to write it.  [default: prod.yml]",
)
_inventory_option = click.option(
    "-i",
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("inventory.ini"),
    show_default=True,
    help="The file with the hosts, for `pipeline deploy` and plain pyinfra.",
)
_cloud_option = click.option(
    "--cloud",
    type=click.Choice(["aws", "vagrant"]),
    help="vagrant: hosts on this machine; needs no prod.yml.  [default: as prod.yml says]",
)
_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
_dry_option = click.option("--dry-run", is_flag=True, help="Show the plan; change nothing.")


def _plan_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of a command that carries out a plan."""
    for option in (json_option, _dry_option, _yes_option, _inventory_option, _cloud_option, _file_option):
        command = option(command)
    return command


@click.group()
def prod() -> None:
    """Production: its hosts made, shown, changed and removed, in a cloud or on this machine, with their monitor.

    \b
    pipeline prod up --cloud vagrant        here: nothing else is needed
    cp prod.example.yml prod.yml            in a cloud: name your region
    pipeline prod up                        the plan with its cost; after a yes
                                            the hosts, inventory.ini, the monitor
    pipeline deploy checkbox.io -i inventory.ini
    pipeline deploy iTrust -i inventory.ini
    pipeline prod open                      the page that shows how both are
    pipeline prod down                      remove all that up made, nothing else

    The hosts of --cloud vagrant are those of `pipeline lab ... production`, which boots them bare, for tests and
    for tinkering: without inventory.ini and without the monitor.
    """


@prod.command()
@_plan_options
def up(
    settings: Path | None, cloud: str | None, inventory: Path, yes: bool, dry_run: bool, as_json: bool
) -> int:
    """Make production as prod.yml says, with its monitor; a second time changes nothing.

    The plan is shown first: what is created, changed (~), kept (=) and removed (-), and about what it costs. A
    changed size or count changes just that. What was broken off is finished by the next `up`.
    """
    from pipeline.base.lock import inventory_lock
    from pipeline.base.places import state_directory
    from pipeline.prod import apply, monitor
    from pipeline.prod.choose import choose_cloud
    from pipeline.prod.inventory import inventory_of, remember_inventory
    from pipeline.prod.plan_text import machine_row, plan_json, up_lines

    where, progress = choose_cloud(settings, cloud), Progress()
    with inventory_lock(state_directory(), inventory):
        plan = where.plan()
        if dry_run:
            show_plan(plan, as_json=as_json)
            return Exit.OK
        machines = apply.up(
            where, plan, inventory, progress, lambda plan: confirm(plan, yes=yes, as_json=as_json)
        )
        hosts, watched = inventory_of(machines), None
        if monitor.GROUP in hosts.groups:
            remember_inventory(inventory)
            watched = monitor.watch(hosts, progress)
    if as_json:
        rows = [machine_row(machine) for machine in machines]
        told = {"hosts": rows, "inventory": str(inventory), "monitor": watched and watched.to_dict()}
        click.echo(json.dumps({**plan_json(plan, applied=True), **told}))
    else:
        click.echo("\n".join(up_lines(inventory, hosts, watched)))
    return Exit.OK


@prod.command()
@_plan_options
@click.option(
    "--canary", is_flag=True, help="Only the hosts of a canary, which `pipeline canary --cloud aws` left."
)
def down(
    settings: Path | None,
    cloud: str | None,
    inventory: Path,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    canary: bool,
) -> int:
    """Remove everything that carries the environment's tags, or the hosts on this machine, and nothing else.

    What other people put there is never touched; where it keeps something from going, it is named.
    """
    from pipeline.base.lock import inventory_lock
    from pipeline.base.places import state_directory
    from pipeline.prod import apply
    from pipeline.prod.choose import choose_cloud
    from pipeline.prod.inventory import forget_inventory
    from pipeline.prod.plan_text import plan_json

    if canary and cloud == "vagrant":
        raise UsageError("--canary: a canary on this machine has a lab", hint="pipeline lab down")
    if canary:
        from pipeline.prod.canary_hosts import canary_cloud

    where = canary_cloud(settings) if canary else choose_cloud(settings, cloud, removes=True)
    with inventory_lock(state_directory(), inventory):
        plan = where.removal()
        if dry_run:
            show_plan(plan, as_json=as_json)
            return Exit.OK
        path = None if canary else inventory
        apply.down(where, plan, path, Progress(), lambda plan: confirm(plan, yes=yes, as_json=as_json))
        if not canary:
            forget_inventory(inventory)
    if as_json:
        click.echo(json.dumps(plan_json(plan, applied=True)))
    return Exit.OK


@prod.command()
@_file_option
@_cloud_option
@json_option
def status(settings: Path | None, cloud: str | None, as_json: bool) -> int:
    """The hosts as the cloud sees them now."""
    from pipeline.prod.choose import choose_cloud
    from pipeline.prod.plan_text import machine_row, money

    rows = [machine_row(machine) for machine in choose_cloud(settings, cloud).machines()]
    if as_json:
        click.echo(json.dumps(rows))
        return Exit.OK
    if not rows:
        click.echo("no hosts; pipeline prod up makes them")
        return Exit.OK
    table = [
        (
            row["host"],
            row["type"],
            row["state"],
            row["address"] or "-",
            row["private_address"] or "-",
            money(row["usd_hourly"]),
        )
        for row in rows
    ]
    headers = ("host", "type", "state", "address", "private", "an hour")
    click.echo(tabulate(table, headers=headers, tablefmt="plain", disable_numparse=True))
    return Exit.OK


@prod.command(context_settings={"ignore_unknown_options": True})
@_file_option
@_cloud_option
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(settings: Path | None, cloud: str | None, host: str, command: tuple[str, ...]) -> int:
    """A shell on HOST, or COMMAND there."""
    from pipeline.prod.choose import choose_cloud
    from pipeline.remote.ssh import become_ssh, ssh_arguments

    machines = {machine.name: machine for machine in choose_cloud(settings, cloud).machines()}
    if host not in machines:
        there = f"there is {', '.join(machines)}" if machines else "there are none"
        raise UsageError(f"no host '{host}'; {there}", hint="pipeline prod status")
    found = machines[host].host
    if found is None or found.known_hosts is None:
        raise UsageError(f"{host} is {machines[host].state} and has no address", hint="pipeline prod up")
    found.known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    become_ssh(["ssh", *ssh_arguments(found, found.known_hosts)], command)


@prod.command("open")
@click.option(
    "-i",
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("inventory.ini"),
    show_default=True,
    help="The file that names the monitor, in its group `monitor`.",
)
@click.option("--no-browser", is_flag=True, help="Only say where the page is.")
def open_(inventory: Path, no_browser: bool) -> int:
    """The dashboard, through SSH, until Ctrl-C.

    While it runs, the page is at a port of this machine's loopback, where it asks for no password: SSH's key is
    enough. Others who work on this machine could read it there, too.
    """
    from pipeline.base.places import state_directory
    from pipeline.inventory.file import read_inventory
    from pipeline.prod.monitor import GROUP
    from pipeline.prod.tunnel import open_tunnel, show_in_browser

    if not inventory.exists():
        raise UsageError(f"{inventory}: there is no such file", hint="pipeline prod up writes it; -i another")
    monitor = read_inventory(inventory, (GROUP,)).one(GROUP)

    def ready(address: str) -> None:
        shown = not no_browser and show_in_browser(address)
        click.echo(
            f"{address}  {'opened in your browser' if shown else 'open it in a browser'}; Ctrl-C ends it"
        )

    def lost(said: str) -> None:
        click.echo(f"{monitor.name}: {said}; connecting again until Ctrl-C", err=True)

    try:
        open_tunnel(monitor, state_directory() / "known_hosts", ready, lost)
    except KeyboardInterrupt:
        return Exit.OK
    return Exit.OK
