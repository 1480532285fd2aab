"""`pipeline canary promote` and `pipeline canary rollback`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pipeline.base.errors import Exit
from pipeline.cli.options import inventory_option, json_option, provider_option

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
"""
)
@inventory_option
@provider_option
@json_option
def promote(inventory: Path | None, provider: str | None, *, as_json: bool) -> int:
    """Put the proxy on green, the canary, by hand: on a kept lab, or on hosts you have. Nothing is measured."""
    return _switch("green", inventory, provider, as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  pipeline canary rollback                on the lab that --keep left up
  pipeline canary rollback -i inventory.ini
"""
)
@inventory_option
@provider_option
@json_option
def rollback(inventory: Path | None, provider: str | None, *, as_json: bool) -> int:
    """Put the proxy back on blue, the baseline, by hand: on a kept lab, or on hosts you have."""
    return _switch("blue", inventory, provider, as_json=as_json)


_SWITCHES = {"promote": promote, "rollback": rollback}


def _switch(colour: str, inventory: Path | None, provider: str | None, *, as_json: bool) -> int:
    from pipeline.canary.switch import switch_lab

    settled = switch_lab(colour, inventory, provider)
    click.echo(json.dumps({"proxy": settled.colour}) if as_json else str(settled))
    return Exit.OK
