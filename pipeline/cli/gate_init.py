"""`pipeline gate --init`: a first configuration for a service that a Prometheus knows."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.base.errors import Exit, UsageError
from pipeline.base.text import printable

if TYPE_CHECKING:
    from pipeline.gate.initial import Asked, Initial
    from pipeline.series.prometheus import Prometheus

__all__ = ["init", "parse_service"]

_MATCHER: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.+)", re.ASCII | re.DOTALL)


def parse_service(texts: Iterable[str]) -> dict[str, str]:
    """Label matchers, each LABEL=VALUE. Raises UsageError."""
    found = {}
    for text in texts:
        match = _MATCHER.fullmatch(text)
        if match is None:
            raise UsageError(
                f"--service {printable(text, 60)!r} is not LABEL=VALUE", hint="--service job=shop"
            )
        found[match[1]] = match[2]
    return found


def init(asked: Asked, client: Prometheus, *, as_json: bool) -> int:
    """Write the file, and say what is in it. What there are several of is asked for on a terminal."""
    from pipeline.base.console import Progress
    from pipeline.gate.initial import propose, refuse_existing, write_new

    refuse_existing(asked.path)
    progress = Progress()

    def choose(question: str, choices: Sequence[str]) -> int:
        progress.end()
        return _choose(question, choices)

    somebody = sys.stdin.isatty() and not as_json
    try:
        found = propose(asked, client, progress, choose if somebody else None)
    finally:
        progress.end()
    write_new(asked.path, found.draft.text())
    if as_json:
        click.echo(json.dumps(found.to_dict(asked.path), indent=1))
    else:
        _tell(found, asked.path, client.url)
    return Exit.OK


def _choose(question: str, choices: Sequence[str]) -> int:
    """The place of the one that is chosen at the terminal; on stderr, as all that is no result."""
    click.echo(question, err=True)
    for number, choice in enumerate(choices, 1):
        click.echo(f"  {number}  {printable(choice)}", err=True)
    chosen: int = click.prompt("number", type=click.IntRange(1, len(choices)), default=1, err=True)
    return chosen - 1


def _tell(found: Initial, path: Path, url: str) -> None:
    from pipeline.base.table import table
    from pipeline.gate.draft import noise_text

    rows = [
        (one.name, one.margin.text, noise_text(one.margin.noise, one.role, one.margin.text), one.family)
        for one in found.draft.metrics
    ]
    click.echo(table(rows, ("metric", "margin", "why", "from"), wraps=3))
    for line in found.draft.left_out:
        click.echo(f"not judged: {printable(line)}")
    click.echo(f"written: {path} ({found.questions:,} questions to the server)")
    click.echo(f"next: pipeline gate --config {path} --prometheus {url}")
