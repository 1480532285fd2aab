"""`pipeline load`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.base.errors import Exit
from pipeline.base.text import printable, redact
from pipeline.cli.options import json_option

__all__ = ["load"]


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  pipeline load --loaders inventory.ini http://shop/ --rate 20000 \\
      --connections 4000 --duration 5m --require 'p99<200ms'
  pipeline load --loaders inventory.ini http://shop/ --rate 20000 --dry-run
  python -m loadgen --help                  the loader's own options

\b
inventory.ini, in any form that `pipeline` reads (inventories/README.md):
  [loaders]
  load1 ansible_host=203.0.113.21 ansible_user=admin
  load2 ansible_host=203.0.113.22 ansible_user=admin

\b
A host needs SSH and Python 3.11, and no root: the loader goes into
~/.cache/pipeline-loader there. Nothing but SSH is opened; docs/loadgen.md.
The exit codes are the loader's, and 3 where a host is not as needed:
then nothing was sent.
""",
    short_help="Send load to a service from hosts of an inventory.",
)
@click.option(
    "--loaders",
    "inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="INVENTORY",
    required=True,
    help="The file whose group `loaders` has the hosts that send.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be put where; change and send nothing.")
@json_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="URL [LOADER'S OPTIONS]...")
def load(inventory: Path, arguments: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Send the one load of `python -m loadgen` from several hosts.

    Each host of the group gets a Dask worker, which sends its part of the requests at the moments that the plan has
    for them. What they count is merged exactly, so all that the loader says and writes is as from one loader. However
    it ends, the workers end with it.
    """
    from pipeline.base.console import Progress
    from pipeline.load.run import Asked, look, run

    asked = Asked(inventory, arguments, as_json)
    if dry_run:
        places = look(asked, Progress())
        if as_json:
            found = [{"host": p.host.name, "directory": p.directory, "put": p.put} for p in places]
            click.echo(json.dumps({"hosts": found, "loader": [*map(redact, arguments)]}))
            return Exit.OK
        for place in places:
            what = "the loader would be put into" if place.put else "the loader is in"
            click.echo(printable(f"{place.host.name} ({place.host.address}): {what} {place.directory}"))
        click.echo(printable(f"then, from all of them: loadgen {' '.join(map(redact, arguments))}"))
        return Exit.OK
    sent = run(asked, Progress())
    if as_json:
        said = f"the loader ended with {sent.code} and no summary"  # it has told why, on stderr
        error = {"kind": "LoadError", "message": said, "hint": None, "exit_code": sent.code}
        click.echo(json.dumps(sent.summary or {"error": error}))
    return sent.code
