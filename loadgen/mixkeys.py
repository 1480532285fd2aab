"""What the parts of a mix's file are read with: what is wrong, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from loadgen.arguments import HEADER

__all__ = ["VALUE_NAME", "MixError", "converted", "header_of", "is_plain", "only", "text_of"]

VALUE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")

_T = TypeVar("_T")


class MixError(ValueError):
    """What is wrong with a mix, and where: the keys and list numbers that lead there."""

    def __init__(self, at: Sequence[str | int], message: str) -> None:
        super().__init__(message)
        self.at = tuple(at)
        self.message = message

    def __str__(self) -> str:
        """The place as people write it, and what is wrong.

        >>> str(MixError(("requests", 2, "path"), "is missing"))
        'requests[2].path: is missing'
        """
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.at).lstrip(".")
        return f"{place}: {self.message}" if place else self.message


def only(given: Any, keys: Collection[str], at: Sequence[str | int]) -> None:
    if not isinstance(given, Mapping):
        raise MixError(at, "a mapping of keys to values")
    for key in given:
        if key not in keys:
            raise MixError(at, f"no key is called {str(key)[:40]!r}: there is {', '.join(keys)}")


def is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def text_of(given: Any, at: Sequence[str | int]) -> str:
    if not isinstance(given, str):
        raise MixError(at, "is missing" if given is None else "a text (write it in quotes)")
    return given


def converted(convert: Callable[[], _T], at: Sequence[str | int]) -> _T:
    """What the command line makes of such a text, with its words for what is wrong."""
    try:
        return convert()
    except click.UsageError as problem:
        raise MixError(at, problem.message) from None


def header_of(name: str, value: str, at: Sequence[str | int]) -> tuple[str, str]:
    """A header as the command line takes it."""
    return converted(lambda: HEADER.convert(f"{name}: {value}", None, None), at)
