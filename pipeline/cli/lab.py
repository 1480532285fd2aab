"""`pipeline lab`."""

from __future__ import annotations

import json
import os
import shlex

import click
from tabulate import tabulate

from pipeline.canary.progress import Progress
from pipeline.cli.options import json_option, provider_option
from pipeline.exits import Exit

__all__ = ["lab"]

HOSTS = ("proxy", "blue", "green")


@click.group()
def lab() -> None:
    """The three local hosts: proxy, blue and green."""


@lab.command()
@provider_option
def up(provider: str | None) -> int:
    """Boot the hosts; a second time finds them up."""
    from pipeline.hosts.vagrant import Lab
    from pipeline.lock import lab_lock
    from pipeline.state import ROOT, state_directory

    progress = Progress()
    with lab_lock(state_directory()):
        machine = Lab(ROOT, provider, progress.say)
        inventory = machine.up()
    for host in inventory:
        click.echo(f"{host.name}  {host.address}:{host.port}")
    return Exit.OK


@lab.command()
@provider_option
@json_option
def status(provider: str | None, as_json: bool) -> int:
    """What each host is doing."""
    from pipeline.hosts.vagrant import Lab
    from pipeline.state import ROOT

    rows = Lab(ROOT, provider, Progress(quiet=True).say).status()
    if as_json:
        click.echo(
            json.dumps([{"host": name, "state": state, "address": address} for name, state, address in rows])
        )
    else:
        click.echo(tabulate(rows, headers=("host", "state", "address"), tablefmt="plain"))
    return Exit.OK


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("host", type=click.Choice(HOSTS))
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@provider_option
def ssh(host: str, command: tuple[str, ...], provider: str | None) -> int:
    """A shell on HOST, or COMMAND there."""
    from pipeline.hosts.vagrant import Lab
    from pipeline.state import ROOT

    argv = Lab(ROOT, provider, Progress(quiet=True).say).ssh_command(host)
    if command:
        argv = [*argv, shlex.join(command)]
    os.execvp(argv[0], argv)  # noqa: S606 - becomes ssh, so that the terminal and the exit code are its own


@lab.command()
@provider_option
def down(provider: str | None) -> int:
    """Remove the hosts and what belongs to them."""
    from pipeline.canary.interrupt import uninterrupted
    from pipeline.hosts.vagrant import Lab
    from pipeline.lock import lab_lock
    from pipeline.state import ROOT, state_directory

    with lab_lock(state_directory()), uninterrupted("removing the lab"):
        Lab(ROOT, provider, Progress().say).down()
    return Exit.OK


@lab.command()
@provider_option
@click.option("--rebuild", is_flag=True, help="Build it again even if it is there.")
def box(provider: str | None, rebuild: bool) -> int:
    """Build the base box that the hosts start from, if it is not there."""
    from pipeline.hosts.box import ensure_box
    from pipeline.hosts.provider import choose_provider

    progress = Progress()
    click.echo(ensure_box(choose_provider(provider), progress.say, rebuild=rebuild))
    return Exit.OK
