"""`pipeline faults`."""

from __future__ import annotations

import click

from pipeline.base.errors import Exit
from pipeline.base.table import table

__all__ = ["faults"]


@click.command()
def faults() -> int:
    """List the faults that the bundled sample service can be given: each is a branch to name as a canary."""
    from pipeline.source.sample import faults as catalogue

    click.echo(table([("master", "no fault"), *catalogue("preview").items()], wraps=1))
    return Exit.OK
