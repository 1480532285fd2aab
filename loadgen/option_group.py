"""What groups of options of the command line have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

__all__ = ["OptionGroup", "added"]

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, kw_only=True)
class OptionGroup:
    """What was given for the options of a group: a field for each, by its name."""

    @classmethod
    def taken(cls, values: dict[str, Any]) -> Self:
        """Those among `values`, which they leave."""
        return cls(**{field.name: values.pop(field.name) for field in fields(cls)})


def added(options: Sequence[_Decorator]) -> _Decorator:
    """A decorator that adds click's options to a command, in this order."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add
