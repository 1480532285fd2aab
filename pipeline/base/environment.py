"""`${NAME}` in a file that people wrote: its value is taken from the environment, and never stored."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pipeline.base.errors import ConfigError
from pipeline.base.files import READABLE, open_private
from pipeline.base.mask import remember
from pipeline.base.problems import as_place
from pipeline.base.text import reason_of
from pipeline.base.yamlfile import Document

__all__ = ["environment", "fill", "fill_document", "fill_values", "read_env_file"]

_Location = tuple[str | int, ...]

_LARGEST: Final = 100_000  # bytes
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_REFERENCE: Final = re.compile(r"(\$?)\$\{([^{}\n]*)(\}?)")
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_LINE: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)", re.ASCII)
_QUOTED: Final = re.compile(r"(?:'([^']*)'|\"((?:[^\"\\]|\\.)*)\")[ \t]*(?:#.*)?")
_SHELLS: Final = ("sh", "bash", "dash", "ash", "ksh", "zsh")


def environment(env_file: Path | None = None, name: str | None = None) -> dict[str, str]:
    """The variables of this process, and those of `env_file` (called `name` in messages) that it does not set.

    Raises ConfigError when the file cannot be used.
    """
    return dict(os.environ) if env_file is None else {**read_env_file(env_file, name), **os.environ}


def read_env_file(path: Path, name: str | None = None) -> dict[str, str]:
    """The variables of a file of `NAME=VALUE` lines, as Docker Compose has them, which only its owner may read.

    Values may stand in quotes; nothing in them is expanded. Raises ConfigError, without a word of a value.
    """
    name = name or str(path)
    found: dict[str, str] = {}
    problems = []
    for number, line in enumerate(_private_text(path, name).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        value = None if match is None else _value(match[2])
        if match is None or value is None:
            what = (
                "not NAME=VALUE"
                if match is None
                else f"{match[1]}: a quote is not closed, or text follows it"
            )
            problems.append(f"{name}:{number}: {what}")
        else:
            found[match[1]] = value
    if problems:
        raise ConfigError(name, problems)
    return found


def _value(text: str) -> str | None:
    """The value that is written so; None: a quote is not closed, or something follows it."""
    if text[:1] in ("'", '"'):
        match = _QUOTED.fullmatch(text)
        if match is None:
            return None
        return match[1] if match[1] is not None else re.sub(r"\\([\"\\$`])", r"\1", match[2])
    return re.split(r"(?:^|[ \t])#", text, maxsplit=1)[0].rstrip()


def _private_text(path: Path, name: str) -> str:
    try:
        with open_private(path) as file:
            raw = file.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise ConfigError(name, [f"{name}:1: larger than {_LARGEST:,} bytes"])
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(name, [f"{name}:1: cannot be read: {reason_of(error)}"]) from None
    except UnicodeDecodeError:
        raise ConfigError(name, [f"{name}:1: not a text file in UTF-8"]) from None
    except ValueError as error:
        cure = f": chmod 600 {name}" if str(error) == READABLE else ""
        raise ConfigError(name, [f"{name}:1: {error}{cure}"]) from None


def fill(text: str, values: Mapping[str, str], later: re.Pattern[str] | None = None) -> str:
    """`text` with `values` for each `${NAME}`; `$${` stands for `${` itself.

    Raises ValueError, which says what to do, where a value is missing or a `{{ ... }}` was left unfilled that `later`
    does not match.
    """
    if _TEMPLATE.search(later.sub("", text) if later else text):
        raise ValueError(
            "an unfilled {{ ... }}: fill it in, or write ${NAME} and export NAME (its value may hold braces)"
        )
    return _REFERENCE.sub(lambda match: _taken(match, values), text)


def _taken(match: re.Match[str], values: Mapping[str, str]) -> str:
    if match[1]:
        return match[0][1:]
    name = match[2]
    if not match[3] or not _NAME.fullmatch(name):
        # It is not repeated: ${NAME:-...} may hold a secret.
        raise ValueError(
            "'${' begins ${NAME}, of letters, digits and _ only; write $${ for the characters themselves"
        )
    if not values.get(name):
        state = "is empty" if name in values else "is not set"
        raise ValueError(
            f"${{{name}}} {state} in the environment: export {name}=..., or write $${{{name}}} for the text itself"
        )
    remember(values[name], sure=True)
    return values[name]


def fill_values(value: Any, values: Mapping[str, str]) -> Any:
    """`fill` for each text in a value made of lists and mappings. Raises ValueError."""
    if isinstance(value, str):
        return fill(value, values) if "{" in value else value
    if isinstance(value, Mapping):
        return {key: fill_values(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fill_values(item, values) for item in value)
    return value


def fill_document(
    document: Document,
    values: Mapping[str, str],
    under: Collection[_Location],
    leave: Collection[_Location] = (),
    later: Mapping[_Location, re.Pattern[str]] = MappingProxyType({}),
) -> frozenset[_Location]:
    """Fill each text at or below one of the locations `under`; gives the locations of those that had a `${NAME}`.

    Anywhere else a `${NAME}` is a problem of the document, and so is a `{{ ... }}`; but not in the texts at `leave`,
    nor in the words for a shell, which has `${NAME}` of its own. Below a location of `later`, what its pattern matches
    is no problem: somebody else fills it in.
    """
    taken = set()

    def visit(value: Any, at: _Location) -> Any:
        if isinstance(value, dict):
            return {key: visit(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            if value and isinstance(value[0], str) and value[0].rpartition("/")[2] in _SHELLS:
                return [
                    item if isinstance(item, str) else visit(item, (*at, i)) for i, item in enumerate(value)
                ]
            return [visit(item, (*at, i)) for i, item in enumerate(value)]
        if not isinstance(value, str) or at in leave:
            return value
        ours = next((pattern for place, pattern in later.items() if at[: len(place)] == place), None)
        try:
            if not any(at[: len(place)] == place for place in under):
                if not _TEMPLATE.search(ours.sub("", value) if ours else value) and re.search(
                    r"(?<!\$)\$\{", value
                ):
                    places = ", ".join(".".join(map(str, place)) for place in under)
                    raise ValueError(f"${{NAME}} is filled in only under {places}")
                if _TEMPLATE.search(ours.sub("", value) if ours else value):
                    fill(value, values, ours)  # says what is wrong
                return value
            filled = fill(value, values, ours)
        except ValueError as problem:
            document.problems.setdefault(at, f"{as_place(at)}: {problem}")
            return value
        if filled != value:
            taken.add(at)
        return filled

    document.data = visit(document.data, ())
    return frozenset(taken)
