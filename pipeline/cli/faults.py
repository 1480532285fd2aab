"""`pipeline faults`."""

from __future__ import annotations

import click
from tabulate import tabulate

from pipeline.base.errors import Exit

__all__ = ["faults"]


@click.command()
def faults() -> int:
    """List the faults that the bundled sample service can be given: each is a branch to name as a canary."""
    from pipeline.source.sample import faults as catalogue

    click.echo(tabulate([("master", "no fault"), *catalogue("preview").items()], tablefmt="plain"))
    return Exit.OK
