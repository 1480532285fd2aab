"""A plan that costs money or removes something: shown, and carried out only after a yes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from pipeline.prod.cloud import Plan

__all__ = ["confirm", "show_plan"]


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """The plan on stdout."""
    from pipeline.prod.plan_text import plan_json, plan_lines

    if as_json:
        click.echo(json.dumps(plan_json(plan, applied=False)))
    else:
        click.echo("\n".join(plan_lines(plan)))


def confirm(plan: Plan, *, yes: bool, as_json: bool) -> None:
    """Show the plan; return when it is to be done. A plan that changes nothing needs no yes."""
    if not as_json:
        show_plan(plan, as_json=False)
    if yes or not plan.changes:
        return
    if as_json or not sys.stdin.isatty():
        raise UsageError(
            "this plan needs a yes, and there is no terminal to ask at", hint="the same with --yes"
        )
    if not click.confirm("\nDo this?", default=False, err=True):
        raise Interrupted("nothing was changed")
