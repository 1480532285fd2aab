"""`pipeline runs`: the runs that there are, as a list and as a page, two side by side, and old ones removed."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final

import click
from tabulate import tabulate

from pipeline.base.errors import Exit, UsageError
from pipeline.base.table import narrow, table, terminal_width
from pipeline.base.text import clean, plural, reason_of
from pipeline.cli.options import json_option

if TYPE_CHECKING:
    from pipeline.judge.verdict import MetricVerdict
    from pipeline.runs.history import PastRun

__all__ = ["runs"]

_ROOM: Final = 60  # cells; what a run says has no room in less

_runs_option = click.option(
    "--runs",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where the runs are.",
)


@click.group(invoke_without_command=True)
@_runs_option
@click.option("--ref", help="Only runs of this ref, as baseline or canary; or of a commit that begins so.")
@click.option(
    "--verdict",
    type=click.Choice(["passed", "failed", "inconclusive", "invalid"]),
    help="Only runs with this verdict.",
)
@click.option("--service", help="Only runs of the profile of this name.")
@click.option("-n", "--last", type=click.IntRange(min=1), help="Only the newest so many.  [default: all]")
@json_option
@click.pass_context
def runs(
    context: click.Context,
    directory: Path,
    ref: str | None,
    verdict: str | None,
    service: str | None,
    last: int | None,
    as_json: bool,
) -> int:
    """The runs that there are, the newest first: when, what, the verdict, and what it says.

    \b
    pipeline runs                                all of them
    pipeline runs --ref broken --verdict failed
    pipeline runs compare runs/A runs/B          what each metric did in both
    pipeline runs prune --keep 20 --dry-run      what would go
    pipeline runs index                          a page of all, in runs/index.html
    """
    if context.invoked_subcommand is not None:
        return Exit.OK
    from pipeline.judge.verdict import Outcome
    from pipeline.runs.history import matching, past_runs

    found = matching(
        past_runs(directory), ref=ref, outcome=Outcome(verdict) if verdict else None, service=service
    )[:last]
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in found]))
    elif not found:
        click.echo(f"no such run in {directory}")
    else:
        click.echo("\n".join(_listed(found, terminal_width())))
    return Exit.OK


def _listed(found: list[PastRun], width: int) -> list[str]:
    """A row a run; what it says fills the rest of a line that is wide enough, else lines below it: it is the answer."""
    rows = [
        (
            clean(one.run.record.created.replace("T", " ")[:16]),
            f"{_version(one.run.record.baseline.ref)} {_version(one.run.record.canary.ref)}",
            one.outcome,
            "-" if one.verdict is None or one.verdict.score is None else f"{one.verdict.score:.0f}",
        )
        for one in found
    ]
    headers = ("when", "versions", "verdict", "score")
    head, *lines = tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True).splitlines()
    used = max(map(len, (head, *lines)))
    room = width - used - 2
    if room >= _ROOM:
        head = f"{head:<{used}}  what it says"
        said = (one.said for one in found)
        return [
            head,
            *(f"{line:<{used}}  {clean(text, room)}" for line, text in zip(lines, said, strict=True)),
        ]
    below = [
        [f"  {line}" for line in wrap(clean(one.said), max(width - 2, 20), break_on_hyphens=False)]
        for one in found
    ]
    return [head, *(line for row, more in zip(lines, below, strict=True) for line in (row, *more))]


def _version(ref: str) -> str:
    return clean(ref, 24) or "?"


@runs.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@json_option
def compare(first: Path, second: Path, as_json: bool) -> int:
    """Two runs side by side: how much worse each metric was in both, and what was decided."""
    from pipeline.report.text import DECISIONS, change
    from pipeline.runs.directory import load

    one, other = load(first).verdict, load(second).verdict
    names = list(dict.fromkeys(metric.name for verdict in (one, other) for metric in verdict.metrics))
    tables = [{metric.name: metric for metric in verdict.metrics} for verdict in (one, other)]
    if as_json:
        document = {
            "runs": [str(first), str(second)],
            "outcomes": [one.outcome.value, other.outcome.value],
            "scores": [one.score, other.score],
            "metrics": [
                {"name": name, "decisions": [_decision(table.get(name)) for table in tables],
                 "effects": [_effect(table.get(name)) for table in tables]}
                for name in names
            ],
        }  # fmt: skip
        click.echo(json.dumps(document))
        return Exit.OK

    def cells(metric: MetricVerdict | None) -> tuple[str, str]:
        return ("-", "-") if metric is None else (change(metric), DECISIONS[metric.decision])

    for word, path, verdict in (("first", first, one), ("second", second, other)):
        click.echo(f"{word:6}  {verdict.outcome.value:12}  {clean(path.name)}")
    rows = []
    for name in names:
        there = tables[0].get(name) or tables[1][name]
        rows.append(
            (narrow(there.title or name, 28), *cells(tables[0].get(name)), *cells(tables[1].get(name)))
        )
    click.echo(table(rows, ("metric", "first", "", "second", ""), wraps=0))
    return Exit.OK


def _decision(metric: MetricVerdict | None) -> str | None:
    return None if metric is None else metric.decision.value


def _effect(metric: MetricVerdict | None) -> float | None:
    return None if metric is None else metric.effect


@runs.command()
@_runs_option
@click.option("--keep", type=click.IntRange(min=0), required=True, help="How many runs stay, the newest.")
@click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")
@json_option
def prune(directory: Path, keep: int, dry_run: bool, as_json: bool) -> int:
    """Remove old runs. One without a verdict stays, for it may still go on, and so does what is no run."""
    from pipeline.runs.history import past_runs, removed

    given = past_runs(directory)
    gone = [str(path) for path in (removed(given, keep, lambda _: None) if dry_run else removed(given, keep))]
    if as_json:
        click.echo(json.dumps({"removed": [] if dry_run else gone, "would_remove": gone if dry_run else []}))
        return Exit.OK
    for path in gone:
        click.echo(f"{'would remove' if dry_run else 'removed'} {path}")
    if not gone:
        click.echo(f"nothing to remove: {plural(len(given), 'run')}, {keep} may stay")
    return Exit.OK


@runs.command()
@_runs_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the page goes.  [default: index.html beside the runs]",
)
@json_option
def index(directory: Path, output: Path | None, as_json: bool) -> int:
    """Write a page of all runs, the newest first, with links to their reports; it opens offline."""
    from pipeline.base.files import write_whole
    from pipeline.cli.extras import require_extra
    from pipeline.runs.history import past_runs

    require_extra("report")
    from pipeline.report import index as pages

    found, page = past_runs(directory), output or directory / "index.html"
    try:
        write_whole(page, pages.index(found, page))
    except OSError as error:
        raise UsageError(f"{page}: cannot be written: {reason_of(error)}") from None
    click.echo(json.dumps({"page": str(page), "runs": len(found)}) if as_json else f"index: {page}")
    return Exit.OK
