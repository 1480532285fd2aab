"""`pipeline calibrate`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.errors import Exit, UsageError
from pipeline.base.table import table, terminal_width, wrapped
from pipeline.base.text import printable
from pipeline.cli.options import (
    DURATION,
    RATE,
    WARMUP,
    inventory_option,
    json_option,
    provider_option,
    schedule_options,
)

if TYPE_CHECKING:
    from pipeline.runs.calibration import Calibration

__all__ = ["calibrate"]


@click.command(
    epilog="""\b
Examples:
  pipeline calibrate master            five runs, an hour; later runs use them
  pipeline calibrate master --runs 3 --duration 2m
  pipeline calibrate --show
"""
)
@click.argument("ref", required=False)
@click.option("--runs", "count", type=click.IntRange(1, 20), default=5, show_default=True, help="How many.")
@click.option("--repo", metavar="URL|PATH", help="As for `pipeline canary`.")
@click.option("--profile", default="preview", show_default=True, metavar="NAME|FILE")
@click.option("--rate", type=RATE, default=50.0, show_default="50/s")
@click.option("--duration", type=DURATION, default=300.0, show_default="5m")
@click.option("--warmup", type=WARMUP, default=15.0, show_default="15s")
@schedule_options
@provider_option
@inventory_option
@click.option("--keep", is_flag=True, help="Leave the lab up afterwards.")
@click.option("--fresh", is_flag=True, help="Forget the earlier runs of the same kind.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where run directories go.",
)
@click.option("--show", is_flag=True, help="Show what is stored, and measure nothing.")
@json_option
def calibrate(ref: str | None, count: int, fresh: bool, show: bool, as_json: bool, **options: Any) -> int:
    """Measure how far two measurements of the same code lie apart on this machine.

    Runs REF against itself and stores the differences. Later runs of `pipeline canary` with the same profile,
    repository, hosts, rate, schedule, share, duration and warm-up then demand of a fail that it exceeds what the
    machine does by itself. Nothing is ever subtracted from what they measure, and a pass gets no easier.
    """
    from pipeline.base.places import state_directory
    from pipeline.runs.calibration import Store

    if show:
        if ref is not None:
            raise UsageError("--show measures nothing: leave REF out")
        _print(Store(state_directory() / "calibration.json").all(), as_json=as_json)
        return Exit.OK
    if ref is None:
        raise UsageError("which version? give a REF", hint="pipeline calibrate master")
    from pipeline.base.console import Progress
    from pipeline.canary.calibrate import calibrate as measure
    from pipeline.canary.plan import Settings, make_plan

    settings = Settings(
        baseline=ref,
        canary=ref,
        early_stop="off",
        calibration=False,
        promote=False,
        runs=options.pop("into"),
        **options,
    )
    progress = Progress()
    _print((measure(make_plan(settings, progress), count, progress, fresh=fresh),), as_json=as_json)
    return Exit.OK


def _print(calibrations: tuple[Calibration, ...], *, as_json: bool) -> None:
    if as_json:
        found = [{**asdict(c), "bounds": c.to_run()["drift"]} for c in calibrations]
        click.echo(json.dumps({"calibrations": found}, indent=2, default=str))
    elif not calibrations:
        click.echo("no calibration yet: pipeline calibrate master")
    else:
        click.echo("\n\n".join(map(_table, calibrations)))


def _table(calibration: Calibration) -> str:

    from pipeline.judge.catalogue import CATALOGUE
    from pipeline.judge.words import amount, percent, points
    from pipeline.runs.calibration import drift_bound

    key, runs = calibration.key, calibration.runs
    rows = []
    for name in calibration.names():
        kind, effects = calibration.effects(name)
        metric = CATALOGUE.get(name)

        def words(value: float, kind: str = kind, unit: str = metric.unit if metric else "") -> str:
            size = abs(value)
            absolute = points(size) if unit == "fraction" else amount(size, unit)
            said = percent(size) if kind == "relative" else absolute
            return f"-{said}" if value < 0 else said

        trends = [run.trends[name] for run in runs if name in run.trends]
        trend = f"{percent(sum(trends) / len(trends))}/min" if trends else ""
        rows.append((name, words(min(effects)), words(max(effects)), words(drift_bound(effects)), trend))
    share = "" if key.share is None else f" with {percent(key.share)} to the canary"
    head = (
        f"{printable(key.repo)}, profile {key.profile}, {printable(key.hosts)}, {key.schedule}{share}, {key.rate:g}/s, "
        f"{key.duration:g} s after {key.warmup:g} s: {len(runs)} run{'s' if len(runs) > 1 else ''}, "
        f"the last {runs[-1].created[:10]}"
    )
    few = (
        "\none run alone bounds next to nothing: 18 times what it saw; five are useful"
        if len(runs) == 1
        else ""
    )
    columns = ("metric", "least", "most", "a fail demands\nmore than", "trend within\na phase")
    told = "\n".join(wrapped(head, terminal_width()))
    return f"{told}{few}\n{table(rows, columns, wraps=0)}"
