"""Options that several commands share, and the types of what people type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.base.units import parse_duration, parse_rate

__all__ = ["DURATION", "RATE", "WARMUP", "inventory_option", "json_option", "provider_option"]


class _Parsed(click.ParamType[float]):
    def __init__(self, name: str, parse: Callable[[str], float]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            return self._parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _parse_warmup(text: str) -> float:
    """A duration that may also be none at all."""
    return 0.0 if text in ("0", "0s") else parse_duration(text)


WARMUP = _Parsed("duration", _parse_warmup)
DURATION = _Parsed("duration", parse_duration)
RATE = _Parsed("rate", parse_rate)

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
provider_option = click.option(
    "--provider",
    type=click.Choice(["virtualbox", "libvirt", "lxc"]),
    help="Vagrant's provider.  [default: the first that works here]",
)
inventory_option = click.option(
    "-i",
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Run on hosts you have (groups proxy, blue, green) instead of a lab.",
)
