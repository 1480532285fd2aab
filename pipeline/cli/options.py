"""Options that several commands share, and the types of what people type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from pipeline.base.units import parse_duration, parse_rate, parse_share
from pipeline.cli.extras import require_extra
from pipeline.runs.phases import SCHEDULES

__all__ = [
    "AUTO",
    "DURATION",
    "DURATION_OR_AUTO",
    "RATE",
    "WARMUP",
    "cloud_options",
    "inventory_option",
    "json_option",
    "monitor_option",
    "one_place",
    "provider_option",
    "publish_option",
    "schedule_options",
]


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
AUTO = 0.0  # what "auto" is read as; no duration is 0
DURATION_OR_AUTO = _Parsed("duration", lambda text: AUTO if text == "auto" else parse_duration(text))
RATE = _Parsed("rate", parse_rate)

_SHARE = _Parsed("share", parse_share)


def schedule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--schedule and --share."""
    command = click.option(
        "--share",
        type=_SHARE,
        metavar="PERCENT",
        help="Concurrent: what the canary gets of the requests, such as 10%.  [default: 50%]",
    )(command)
    return click.option(
        "--schedule",
        type=click.Choice(SCHEDULES),
        default="phased",
        show_default=True,
        help="All baseline then all canary; slices in the order ABBA; or both in the same seconds, each request by "
        "chance. What the machine does by itself looks like a difference in the first alone.",
    )(command)


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
provider_option = click.option(
    "--provider",
    type=click.Choice(["virtualbox", "libvirt", "lxc"]),
    help="Vagrant's provider.  [default: the first that works here]",
)
monitor_option = click.option(
    "--monitor",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The inventory whose monitor shows the verdict.  [default: that of -i, or of the last `prod up`]",
)
publish_option = click.option(
    "--publish",
    is_flag=True,
    help="Put the run's page on the monitor, behind its password; the dashboard links to it.",
)
inventory_option = click.option(
    "-i",
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Run on hosts you have (groups proxy, blue, green) instead of a lab.",
)


def cloud_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--cloud and --file of the commands that know the hosts of a canary."""
    command = click.option(
        "-f",
        "--file",
        "prod_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="With --cloud: what says where and of which types.  [default: prod.yml]",
    )(command)
    return click.option(
        "--cloud",
        type=click.Choice(["aws"]),
        help="Hosts in the environment of prod.yml instead of a lab; docs/aws.md.",
    )(command)


def one_place(options: Mapping[str, Any]) -> None:
    """UsageError for options that name two places for a canary's hosts."""
    if options["cloud"] is None:
        if options["prod_file"] is not None:
            raise click.UsageError("--file goes with --cloud")
        return
    for name, option in (("inventory", "--inventory"), ("provider", "--provider")):
        if options[name] is not None:
            raise click.UsageError(f"--cloud and {option} are two places: give one")
    require_extra("prod")
