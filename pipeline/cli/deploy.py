"""`pipeline deploy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pipeline.base.errors import Exit
from pipeline.base.text import printable
from pipeline.cli.options import json_option

__all__ = ["deploy"]


@click.command(
    epilog="""\b
Examples:
  pipeline deploy checkbox.io -i inventories/production.ini
  pipeline deploy iTrust -i production.ini --ref v6 --dry-run
  pipeline deploy iTrust -i production.ini --war target/iTrust2.war
  pipeline deploy checkbox.io -i production.ini --rollback
  pipeline verify checkbox.io -i production.ini      then: is all well there?

\b
The inventory's group is checkbox or itrust: inventories/README.md.
Secrets are made at an environment's first deploy, in
~/.config/pipeline/secrets/ENVIRONMENT.yml. Plain pyinfra runs the same files:
.venv/bin/pyinfra production.ini deploys/checkbox.py
""",
    short_help="Bring checkbox.io or iTrust up on hosts of an inventory.",
)
@click.argument("application", metavar="checkbox.io|iTrust")
@click.option(
    "-i",
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file that names the hosts.",
)
@click.option("--repo", metavar="URL|PATH", help="The repository.  [default: upstream]")
@click.option("--ref", help="Branch, tag or commit.  [default: master (checkbox.io), v6 (iTrust)]")
@click.option(
    "--war",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="iTrust: a finished WAR, instead of a repository.",
)
@click.option(
    "--build", type=click.Choice(["host", "local"]), help="iTrust: where Maven runs.  [default: host]"
)
@click.option("--environment", metavar="NAME", help="Whose secrets.  [default: production]")
@click.option("--rollback", is_flag=True, help="Serve the release before the current one again.")
@click.option("--limit", multiple=True, metavar="HOST", help="Only this host of the group; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Say what would change, by name; change nothing.")
@json_option
def deploy(application: str, as_json: bool, **options: Any) -> int:
    """Bring an application up on every host of its group, one after the other.

    Everything is checked first: the inventory, the source, every host. A new release takes over only once it is
    healthy, and each host ends with the application's own check. A failure stops: later hosts stay untouched.
    The same command again changes nothing, and finishes what was broken off.
    """
    from pipeline.base.console import Progress
    from pipeline.cli.root import tell
    from pipeline.deploy.applications import find_application
    from pipeline.deploy.options import Options
    from pipeline.deploy.result import summary
    from pipeline.deploy.rollout import roll_out

    result = roll_out(Options(find_application(application), **options), Progress())
    if as_json:
        click.echo(json.dumps(result.to_dict()))
    else:
        for line in summary(result):
            click.echo(printable(line))
    if result.error:
        return tell(result.error, as_json=False)
    return Exit.OK
