"""`pipeline verify`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from pipeline.base.errors import Exit
from pipeline.base.text import printable
from pipeline.cli.options import json_option

__all__ = ["verify"]


@click.command(
    epilog="""\b
Examples:
  pipeline verify checkbox.io -i inventories/production.ini
  pipeline verify iTrust -i production.ini --reboot  does it survive a reboot?

\b
The suite also runs by itself: pytest tests/infra/test_checkbox.py
  --hosts=paramiko://NAME --ssh-config=FILE
""",
    short_help="Check that a deployed application is all that it should be.",
)
@click.argument("application", metavar="checkbox.io|iTrust")
@click.option(
    "-i",
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file that names the hosts.",
)
@click.option("--limit", multiple=True, metavar="HOST", help="Only this host of the group; may be repeated.")
@click.option("--reboot", is_flag=True, help="Reboot each host first.")
@click.option("--disruptive", is_flag=True, help="Also kill services, and see them come back.")
@json_option
def verify(
    application: str, inventory: Path, limit: tuple[str, ...], reboot: bool, disruptive: bool, as_json: bool
) -> int:
    """Check each host of the application's group: packages, users, ports and who may reach them, files and modes,
    units, configuration, secrets, and that the application answers. Changes nothing unless told to.

    Ends with 0 when all is well, with 10 when a check failed.
    """
    from pipeline.base.console import Progress
    from pipeline.deploy.applications import find_application
    from pipeline.deploy.verify import verify as run

    app = find_application(application, "verify")
    options = [*(["--reboot"] if reboot else []), *(["--disruptive"] if disruptive else [])]
    checks = run(app, inventory, Progress(), limit=limit, options=options)
    counts = {
        outcome: sum(c.outcome == outcome for c in checks) for outcome in ("passed", "failed", "skipped")
    }
    if as_json:
        document = {"application": app.name, **counts, "checks": [asdict(check) for check in checks]}
        click.echo(json.dumps(document))
    else:
        width = max((len(check.host) for check in checks), default=0)
        for check in checks:
            click.echo(f"{_line(check.host):{width}}  {check.outcome:7}  {_line(check.title)}")
            if check.reason:
                click.echo(f"{'':{width}}           {_line(check.reason)}")
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        click.echo(f"\n{app.name}: {said}")
    return Exit.FAILED if counts["failed"] else Exit.OK


def _line(text: str) -> str:
    """One line with no control characters: what a host said may be in it."""
    return printable(text, 160)
