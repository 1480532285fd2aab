"""A plan for people, at most 80 columns wide, and for programs."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import Any

from pipeline.inventory.hosts import Inventory
from pipeline.prod.cloud import Change, Machine, Plan
from pipeline.prod.monitor import GROUP, USER, Watched, password_place

__all__ = ["machine_row", "money", "plan_json", "plan_lines", "up_lines"]

_WIDTH = 80
_WIDEST = 40  # of what a change is about; longer names push their details to the right
_INDENT = 13  # of details, besides that
_SIGNS = {"create": "+", "change": "~", "keep": "=", "remove": "-"}
_HOURS = 730  # in a month


def plan_lines(plan: Plan) -> list[str]:
    """Each change with its sign, the sum of them, what it costs, and what to know.

    `+` create, `~` change, `=` keep, `-` remove.
    """
    changes = [step.change for step in plan.steps]
    lines = [f"{plan.environment}, {plan.where}", ""]
    labels = [f"{change.kind} {change.name}".rstrip() for change in changes]
    width = min(_WIDEST, max(map(len, labels), default=0))
    for change, label in zip(changes, labels, strict=True):
        head = f"  {_SIGNS[change.action]} {change.action:6} {label:{width}}  "
        detail = textwrap.wrap(change.detail, _WIDTH - _INDENT - width, break_on_hyphens=False) or [""]
        lines.append((head + detail[0]).rstrip())
        lines += [" " * (_INDENT + width) + line for line in detail[1:]]
    lines += ["", _sum(changes)]
    for note in (
        _costs(changes, plan.seconds),
        *plan.notes,
        *(f"in the way: {text}" for text in plan.obstacles),
    ):
        if note:
            lines += textwrap.wrap(note, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return lines


def _sum(changes: list[Change]) -> str:
    words = [f"{sum(change.action == action for change in changes)} to {action}" for action in _SIGNS]
    if not changes:
        return "Nothing is there."
    if all(change.action == "keep" for change in changes):
        return f"Nothing to do: {len(changes)} things are as they should be."
    return ", ".join(words) + "."


def _costs(changes: list[Change], seconds: float | None) -> str:
    """A sentence, for plans after which something is there."""
    if all(change.action == "remove" for change in changes):
        return ""
    if all(change.hourly == 0.0 for change in changes):
        return "It costs nothing."
    known = sum(change.hourly or 0.0 for change in changes)
    unknown = [
        f"{change.name} ({change.detail.split(',')[0]})" for change in changes if change.hourly is None
    ]
    long = (
        f"({money(known * _HOURS)} a month)"
        if seconds is None
        else f"({money(known * seconds / 3600)} for the {max(1, round(seconds / 60))} minutes that this may take)"
    )
    text = f"It costs about {money(known)} an hour {long}"
    return text + (f", and what {', '.join(unknown)} costs, which is unknown here." if unknown else ".")


def money(usd: float | None) -> str:
    """A price as people read it.

    >>> money(0.0312), money(142.5), money(0.0), money(None)
    ('$0.031', '$142', 'nothing', 'unknown')
    """
    if usd == 0.0:
        return "nothing"
    if usd is None:
        return "unknown"
    return f"${usd:.0f}" if usd >= 10 else f"${usd:.3f}"


def up_lines(path: Path, hosts: Inventory, watched: Watched | None) -> list[str]:
    """What `prod up` ends with: what is there, and what to type next."""
    lines = [f"{path}: {', '.join(host.name for host in hosts)}"]
    if watched is not None:
        monitor = hosts.one(GROUP)
        lines += [
            watched.words(),
            f"the page: http://{monitor.private_address}/dashboard, where that address can be reached,",
            f"  user {USER}, password: {password_place(monitor)}",
        ]
    lines.append("next:")
    lines += [
        f"  pipeline deploy {name} -i {shlex.quote(str(path))}"
        for group, name in (("checkbox", "checkbox.io"), ("itrust", "iTrust"))
        if group in hosts.groups
    ]
    if watched is not None:
        lines.append(f"  pipeline prod open{_option(path)}    the page through SSH, without a password")
    return lines


def _option(path: Path) -> str:
    """How a command is told of this inventory, where it would look for another."""
    return "" if str(path) == "inventory.ini" else f" -i {shlex.quote(str(path))}"


def plan_json(plan: Plan, *, applied: bool) -> dict[str, Any]:
    """`environment`, `where`, `applied`, `changes` (action, kind, name, detail, usd_hourly), `usd_hourly`, `obstacles`.

    Prices are null where they are not known; `usd_hourly` of the whole is null when one of them is.
    """
    changes = [step.change for step in plan.steps]
    prices = [change.hourly for change in changes if change.action != "remove"]
    return {
        "environment": plan.environment,
        "where": plan.where,
        "applied": applied,
        "changes": [
            {
                "action": change.action,
                "kind": change.kind,
                "name": change.name,
                "detail": change.detail,
                "usd_hourly": change.hourly,
            }
            for change in changes
        ],
        "usd_hourly": None if None in prices else round(sum(price or 0.0 for price in prices), 4),
        "obstacles": list(plan.obstacles),
    }


def machine_row(machine: Machine) -> dict[str, Any]:
    """A host as a program reads it: `prod status --json` has a list of these."""
    return {
        "host": machine.name,
        "role": machine.role,
        "type": machine.type,
        "state": machine.state,
        "id": machine.identifier,
        "address": machine.host.address if machine.host else None,
        "private_address": machine.host.private_address if machine.host else None,
        "usd_hourly": machine.hourly,
    }
