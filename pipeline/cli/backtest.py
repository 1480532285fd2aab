"""`pipeline backtest`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.base.errors import Exit, UsageError
from pipeline.cli.options import DURATION, json_option

if TYPE_CHECKING:
    from pipeline.backtest.history import History
    from pipeline.backtest.state import State
    from pipeline.series.config import JudgeConfig
    from pipeline.series.window import Span

__all__ = ["backtest"]

_FILE: Final = click.Path(path_type=Path)
_USUAL_WINDOW: Final = 1800.0
_DAY: Final = 86_400.0


@click.command(
    epilog="""\b
Examples:
  pipeline backtest --config canary.yml --prometheus URL --days 14
  pipeline backtest --config canary.yml --prometheus URL --days 14 --split pod
  pipeline backtest --config canary.yml --baseline past.csv --window 30m
"""
)
@click.option("--config", type=_FILE, required=True, help="The gate's configuration: docs/prometheus.md.")
@click.option("--prometheus", metavar="URL", help="Take the baseline's past from this Prometheus.")
@click.option("--days", type=click.FloatRange(0, 366, min_open=True), default=14.0, show_default=True)
@click.option(
    "--to", metavar="TIME", default="now", show_default=True, help="Prometheus: where the past ends."
)
@click.option(
    "--split",
    metavar="LABEL",
    help="Prometheus: deal the values of this label to two halves that are "
    "compared at the same time.  [default: one window with the next]",
)
@click.option("--credentials", type=_FILE, help="Prometheus: as for `pipeline judge`.")
@click.option("--header-file", type=_FILE, help="Prometheus: as for `pipeline judge`.")
@click.option("--ca", type=_FILE, help="Prometheus: as for `pipeline judge`.")
@click.option("--baseline", type=_FILE, help="CSV: the past of one version.")
@click.option("--other", type=_FILE, help="CSV: the other half of its fleet, at the same time.")
@click.option(
    "--window", type=DURATION, help="How long the gate looks.  [default: the configuration's planned, or 30m]"
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="FROM/TO",
    help="Leave out windows that touch this time: a deploy, an incident. May be repeated.",
)
@click.option("--budget", type=DURATION, default=3600.0, show_default="1h", help="Processor time at most.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("backtest"),
    show_default=True,
    help="Its directory; the same command goes on in it.",
)
@json_option
def backtest(config: Path, budget: float, out: Path, as_json: bool, **given: Any) -> int:
    """How good a gate will be on your own traffic: its false alarms, and the harm that it would find.

    One version's past is cut into windows and compared with itself: as it was, and with harm put in (latency, errors, a
    leak, CPU). It is told how often the gate would have failed, how soon, and which window or margin would find 95 %.
    Ctrl-C keeps what is done; the same command goes on.
    """
    from pipeline.base.console import Progress
    from pipeline.series.config import load_config

    if (given["prometheus"] is None) == (given["baseline"] is None):
        raise UsageError("give --prometheus URL, or --baseline FILE", hint="pipeline backtest --help")
    of_server = ("split", "credentials", "header_file", "ca")
    wrong = of_server if given["prometheus"] is None else ("other",)
    for name in wrong:
        if given[name] is not None:
            goes = "--prometheus" if name in of_server else "--baseline"
            raise UsageError(f"--{name.replace('_', '-')} goes with {goes}")
    judged = load_config(config, "csv" if given["prometheus"] is None else "prometheus")
    planned = judged.planned if isinstance(judged.planned, float) else _USUAL_WINDOW
    seconds = given["window"] or planned
    excluded = [_span(text) for text in given["exclude"]]
    from pipeline.backtest.state import State

    asked = {
        "config": config.read_text("utf-8"),
        "window": seconds,
        "exclude": list(given["exclude"]),
        "budget": budget,
        **{name: str(given[name]) for name in ("prometheus", "days", "to", "split", "baseline", "other")},
    }
    state, progress = State(out, asked), Progress(quiet=as_json)
    history = _history(judged, given, state)
    return _tell(judged, history, seconds, excluded, budget, state, progress.say, as_json=as_json)


def _tell(
    judged: JudgeConfig,
    history: History,
    seconds: float,
    excluded: Sequence[Span],
    budget: float,
    state: State,
    say: Any,
    *,
    as_json: bool,
) -> int:
    from pipeline.backtest.page import render_page, render_text
    from pipeline.backtest.plan import make_plan
    from pipeline.backtest.run import run_plan
    from pipeline.backtest.summary import summarize
    from pipeline.base.errors import Interrupted
    from pipeline.base.files import write_whole
    from pipeline.series.save import save

    plan = state.plan(
        lambda: make_plan(judged, history, seconds, excluded, budget),
        lambda path: save(judged, history.samples, path),
    )
    for line in plan.said:
        say(line)
    try:
        trials = run_plan(judged, history, plan, state, say)
    except (KeyboardInterrupt, Interrupted):
        say(f"what is done is in {state.path}: the same command goes on")
        raise
    summary = summarize(judged, trials, seconds)
    unseen = [
        metric.name
        for metric in judged.metrics
        if not any(len(own[metric.name]) for own in history.samples.values())
    ]
    notes = [*plan.said, _how(history), *(f"{name}: not a single sample in this past" for name in unseen)]
    page = state.path / "backtest.html"
    write_whole(state.path / "summary.json", json.dumps(summary.to_dict(), indent=1) + "\n")
    write_whole(page, render_page(summary, notes, "Backtest of a gate"))
    if as_json:
        click.echo(json.dumps(summary.to_dict(), indent=1))
    else:
        click.echo(render_text(summary, notes))
        click.echo(f"page: {page}")
    return Exit.OK


def _how(history: History) -> str:
    if history.at_once:
        return "Two halves of one version's fleet were compared, at the same time"
    return (
        "Each window was compared with the one before it. A gate that compares both versions at the same time sees "
        "less of what changes with the hour, so it does better than this (--split LABEL)"
    )


def _span(text: str) -> Span:
    import time

    from pipeline.series.window import Span, parse_instant

    begin, slash, end = text.partition("/")
    if not slash:
        raise UsageError(
            f"--exclude {text[:60]}: write FROM/TO, such as 2026-01-31T10:00:00Z/2026-01-31T11:00:00Z"
        )
    try:
        span = Span(parse_instant(begin, time.time()), parse_instant(end, time.time()))
    except ValueError as error:
        raise UsageError(f"--exclude: {error}") from None
    if span.end <= span.start:
        raise UsageError(f"--exclude {text[:60]}: ends before it begins")
    return span


def _history(judged: JudgeConfig, given: Mapping[str, Any], state: State) -> History:
    """The past; of a server only the first time, then from the directory."""
    from pipeline.backtest.sources import from_files, from_server

    if given["prometheus"] is None:
        return from_files(judged, given["baseline"], given["other"])
    import time
    from dataclasses import replace

    from pipeline.series.config import USUAL_STEP
    from pipeline.series.credentials import client_of
    from pipeline.series.window import Span, parse_instant

    step = judged.step or USUAL_STEP
    kept = state.series
    if state.again:
        second = kept["canary"] if given["split"] is not None else None
        return replace(from_files(judged, kept["baseline"], second), step=step)
    try:
        end = parse_instant(given["to"], time.time())
    except ValueError as error:
        raise UsageError(f"--to: {error}") from None
    span = Span(round(end - given["days"] * _DAY, 3), round(end, 3))
    with client_of(given["prometheus"], given["credentials"], given["header_file"], given["ca"]) as client:
        return from_server(judged, client, span, step, given["split"])
