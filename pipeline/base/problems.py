"""What pydantic found wrong, in words of ours: its own names for types and branches say nothing to a user."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.base.text import did_you_mean

__all__ = ["as_place", "describe", "first_problem", "place"]

_LIST: Final = "must be a list, such as [a, b]"
_WHOLE: Final = "must be a whole number"
_NUMBER: Final = "must be a number"
_TRUTH: Final = "must be true or false"
_MAPPING: Final = "must be a mapping of keys to values"
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "missing_keyword_only_argument": "is missing",
    "string_type": "must be text: write it in quotes",
    "string_pattern_mismatch": "is not of the form that it must have",
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "bool_parsing": _TRUTH,
    "bool_type": _TRUTH,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "iterable_type": _LIST,
    "too_short": "must not be empty",
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dataclass_type": _MAPPING,
    "dataclass_exact_type": _MAPPING,
    "arguments_type": _MAPPING,
    "none_required": "must be empty",
    "union_tag_not_found": "is of no kind that is known",
    "union_tag_invalid": "is of no kind that is known",
}
_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")


def place(detail: ErrorDetails, data: Any) -> tuple[str | int, ...]:
    """Where in the data a problem is: its location without the branches of unions, validators and "[key]"."""
    found: list[str | int] = []
    location = detail["loc"]
    for i, step in enumerate(location):
        missing = detail["type"].startswith("missing") and i == len(location) - 1
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, Collection) and isinstance(step, int) and not isinstance(data, str | Mapping):
            data = list(data)[step] if step < len(data) else None
        elif not missing:
            continue
        found.append(step)
    return tuple(found)


def describe(detail: ErrorDetails, at: tuple[str | int, ...], known: Iterable[str] = ()) -> str:
    """One problem in one line.

    Args:
        detail: as pydantic tells it.
        at: where, as `place` gives it.
        known: keys from which a misspelt one gets its suggestion.
    """
    *parents, last = at or ("",)
    where = as_place(at)
    kind = detail["type"]
    if kind in _UNKNOWN:
        inside = f" in {as_place(parents)}" if parents else ""
        names = list(known)
        if last in names:  # a key of another part of the file
            return f"'{last}' does not belong{inside or ' at the top level'}"
        return f"unknown key '{_as_place(last)}'{inside}{did_you_mean(str(last), names)}"
    if kind == "too_long":
        words = f"must have at most {detail['ctx']['max_length']} items"
    elif kind in _WORDS:
        words = _WORDS[kind]
    else:
        message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        message = message.replace("Input should be", "must be")
        words = f"{message[:1].lower()}{message[1:]}"
    if not where:
        return words
    return f"{where}: {words}"


def as_place(location: Iterable[str | int]) -> str:
    """A location as it is written in messages: `request.headers.Accept`."""
    return ".".join(map(_as_place, location))


def _as_place(part: str | int) -> str:
    """A key as a part of a place; of one that took in what should be its value, which may be a secret, the name."""
    name = re.match(r"[^\s:=]*", str(part))
    return str(part) if name is None or name[0] == str(part) else f"{name[0]}..."


def first_problem(error: ValidationError, data: Any) -> str:
    """An error in one line: its first problem, and how many more there are."""
    problem = error.errors(include_url=False, include_input=False)[0]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{describe(problem, place(problem, data))}{more}"
