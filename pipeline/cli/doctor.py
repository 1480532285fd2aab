"""`pipeline doctor`."""

from __future__ import annotations

import json

import click

from pipeline.base.errors import Exit
from pipeline.base.table import table
from pipeline.cli.options import json_option

__all__ = ["doctor"]


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Say what is there, what is missing, and what to type.

    Changes nothing. Exit code 3 when a run could not start as things are.
    """
    from pipeline.base.places import typed
    from pipeline.lab.doctor import diagnose

    findings = diagnose()
    if as_json:
        click.echo(json.dumps([{**finding.to_dict(), "hint": typed(finding.hint)} for finding in findings]))
    else:
        rows = [(finding.word, finding.what, finding.state) for finding in findings]
        click.echo(table(rows, wraps=2))
        for finding in findings:
            if finding.hint and not finding.ok:
                click.echo(f"for {finding.what}, type: {typed(finding.hint)}")
    return Exit.OK if all(finding.ok for finding in findings if finding.needed) else Exit.ENVIRONMENT
