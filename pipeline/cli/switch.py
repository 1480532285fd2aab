"""`pipeline canary promote` and `pipeline canary rollback`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from pipeline.base.errors import Exit
from pipeline.base.places import state_directory
from pipeline.cli.options import cloud_options, inventory_option, json_option, one_place, provider_option

__all__ = ["WithSwitches"]


class WithSwitches(click.Command):
    """A command that is another one where its only word names that: `canary promote` beside `canary REF REF`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command that is meant."""
        words = self._words(info_name, args, parent)
        if len(words) == 1 and (command := _SWITCHES.get(words[0])):
            rest = [*args]
            rest.remove(words[0])
            return command.make_context(f"{info_name} {words[0]}", rest, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def _words(self, info_name: str | None, args: list[str], parent: click.Context | None) -> list[str]:
        """What is no option in `args`; options that are wrong are told later, by the command itself."""
        context = click.Context(self, parent=parent, info_name=info_name, resilient_parsing=True)
        try:
            refs = self.make_parser(context).parse_args([*args])[0].get("refs")
            return list(refs) if isinstance(refs, list | tuple) else []  # click has an object for "not given"
        except click.UsageError:
            return [word for word in args if not word.startswith("-")]


@click.command(
    epilog="""\b
Examples:
  pipeline canary promote                 on the lab that --keep left up
  pipeline canary promote -i inventory.ini
  pipeline canary promote --cloud aws     in the cloud, where --keep left them
"""
)
@inventory_option
@provider_option
@cloud_options
@json_option
def promote(*, as_json: bool, **where: Any) -> int:
    """Put the proxy on green, the canary, by hand: on a kept lab, or on hosts you have. Nothing is measured."""
    return _switch("green", where, as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  pipeline canary rollback                on the lab that --keep left up
  pipeline canary rollback -i inventory.ini
  pipeline canary rollback --cloud aws    in the cloud, where --keep left them
"""
)
@inventory_option
@provider_option
@cloud_options
@json_option
def rollback(*, as_json: bool, **where: Any) -> int:
    """Put the proxy back on blue, the baseline, by hand: on a kept lab, or on hosts you have."""
    return _switch("blue", where, as_json=as_json)


_SWITCHES = {"promote": promote, "rollback": rollback}


def _switch(colour: str, where: Mapping[str, Any], *, as_json: bool) -> int:
    from pipeline.canary.switch import switch_hosts, switch_lab

    one_place(where)
    if where["cloud"] is None:
        settled = switch_lab(colour, where["inventory"], where["provider"])
    else:
        from pipeline.prod.canary_hosts import kept_hosts

        with kept_hosts(where["prod_file"]) as hosts:
            settled = switch_hosts(hosts, state_directory() / "known_hosts", colour)
    click.echo(json.dumps({"proxy": settled.colour}) if as_json else str(settled))
    return Exit.OK
