"""A YAML file as a pydantic model, with the line of each thing that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

__all__ = ["PanelsError", "read"]

_SAID: Final = {
    "missing": "is missing",
    "too_short": "must not be empty",
    "model_type": "must be a mapping of keys to values",
}
_Model = TypeVar("_Model", bound=BaseModel)


class PanelsError(Exception):
    """A file that is not as it must be. `problems` holds one line each, `FILE:LINE: what is wrong`."""

    def __init__(self, path: Path, problems: Sequence[tuple[int, str]]) -> None:
        count = len(problems)
        super().__init__(f"{path}: {count} problem{'s' if count != 1 else ''}")
        self.problems = tuple(f"{path}:{line}: {text}" for line, text in sorted(problems))


def read(path: Path, model: type[_Model]) -> _Model:
    """The file `path` as `model`. PanelsError with all its problems, in the order of the file's lines."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise PanelsError(path, [(1, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise PanelsError(path, [(1, "not a text file in UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "not YAML"
        raise PanelsError(path, [(mark.line + 1 if mark else 1, what)]) from None
    problems = list(_given_twice(root))
    try:
        result = model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems += [(_line(root, detail["loc"]), _words(detail)) for detail in details]
    if problems:
        raise PanelsError(path, problems)
    return result


def _given_twice(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """The keys that a mapping has more than once: YAML itself takes the last, without a word."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, f"'{key.value}' is given twice"
            seen.add(key.value)
            yield from _given_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _given_twice(value)


def _line(node: yaml.Node | None, location: Sequence[str | int]) -> int:
    """The line (from 1) of what is at `location`, or of the nearest thing around it that is in the file."""
    line = node.start_mark.line + 1 if node else 1
    for step in location:
        found: tuple[yaml.Node, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = (node.value[step], node.value[step])
        if not found:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _words(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        around, _, key = where.rpartition(".")
        return f"unknown key '{key}'" + (f" in {around}" if around else "")
    message = detail["msg"].removeprefix("Value error, ")
    said = _SAID.get(detail["type"]) or f"{message[:1].lower()}{message[1:]}"
    return f"{where}: {said}" if where else said
