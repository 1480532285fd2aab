"""A YAML file with the line of each of its values, so that every problem can be reported where it is.

Only plain data is read: text, numbers, true/false, null, lists and mappings with text keys. Aliases are
refused (a few lines of them can stand for billions of values), and so are tags, dates and whatever else YAML
could build.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ValidationError

from pipeline.base.errors import ConfigError
from pipeline.base.problems import as_place, describe, place
from pipeline.base.text import reason_of

__all__ = ["Document", "matching", "read_text", "read_yaml", "validate"]

_Location = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)

_LARGEST: Final = 1_000_000  # bytes
_DEEPEST: Final = 40
_UNFILLED: Final = "an unfilled {{ ... }}: fill it in; if it is meant as text, write it in quotes"
_PLAIN: Final = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(slots=True)
class Document:
    """A file's data, the line (from 1) of each value by its location, and the problems of its text."""

    name: str
    data: Any = None
    lines: dict[_Location, int] = field(default_factory=dict)
    problems: dict[_Location, str] = field(default_factory=dict)

    def line(self, location: _Location) -> int:
        """The line of a location, or of the nearest thing around it that is in the file."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read_text(path: Path, name: str, largest: int, *, encoding: str = "utf-8") -> str:
    """The text of a file that a person wrote.

    Args:
        path: the file.
        name: what it is called in messages.
        largest: how many bytes it may have.
        encoding: "utf-8", or "utf-8-sig" to pass over a byte order mark.

    Raises:
        ConfigError: it cannot be read, is larger, or is no text in UTF-8; as `FILE:LINE: what`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(largest + 1)
    except OSError as error:
        raise ConfigError(name, [f"{name}:1: cannot be read: {reason_of(error)}"]) from None
    except ValueError:  # a NUL in the path
        raise ConfigError(name, [f"{name}:1: cannot be read: not a path"]) from None
    if len(raw) > largest:
        raise ConfigError(name, [f"{name}:1: larger than {largest:,} bytes"])
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        what = (
            "is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)" if utf16 else "not a text file in UTF-8"
        )
        raise ConfigError(name, [f"{name}:{line}: {what}"]) from None


def read_yaml(path: Path, name: str | None = None) -> Document:
    """Reads `path`, called `name` in messages. Raises ConfigError when it is not one YAML document.

    Duplicate keys and values that are not plain are kept as problems of the document, for `validate` to
    report together with everything else.
    """
    name = name or str(path)
    text = read_text(path, name, _LARGEST)
    try:
        _refuse_bombs(text)
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        raise ConfigError(name, [_explain(name, error, text)]) from None
    document = Document(name)
    if root is None:
        raise ConfigError(name, [f"{name}:1: the file is empty"])
    document.data = _build(document, loader, root, ())
    return document


def _refuse_bombs(text: str) -> None:
    # Events come one by one and cost no stack, so this is safe on input that would overflow the composer.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _Refused("aliases (*name) are not supported", event)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _Refused("nested too deeply", event)


class _Refused(yaml.YAMLError):
    def __init__(self, what: str, event: yaml.Event) -> None:
        super().__init__(what)
        self.line = event.start_mark.line + 1 if event.start_mark else 1


def _explain(name: str, error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, _Refused):
        return f"{name}:{error.line}: {error}"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        if (braces := _unfilled_near(text, line)) is not None:
            return f"{name}:{braces}: {_UNFILLED}"
        what = (error.problem or error.context or "not YAML").replace("\n", " ")
        if "'\\t'" in what:
            what = "a tab cannot indent in YAML: use spaces"
        return f"{name}:{line}: {what}"
    return f"{name}:1: not YAML: it holds a character that is not text"


def _unfilled_near(text: str, line: int) -> int | None:
    """The line, this one or the one before it, that has a `{{` outside of a comment."""
    lines = text.splitlines()
    for number in (line, line - 1):
        if 0 < number <= len(lines) and re.match(r"[^#]*\{[{%]", lines[number - 1]):
            return number
    return None


def _build(document: Document, loader: yaml.SafeLoader, node: yaml.Node, location: _Location) -> Any:
    document.lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.CollectionNode) and node.tag not in _PLAIN:
        document.problems[location] = f"the tag {node.tag} is not supported"
        return None
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(document, loader, node, location)
    if isinstance(node, yaml.SequenceNode):
        return [_build(document, loader, child, (*location, i)) for i, child in enumerate(node.value)]
    try:
        value = loader.construct_object(node)
    except (yaml.YAMLError, ValueError):  # a tag, a date that is none, a number of thousands of digits
        value = node
    if isinstance(value, float) and not math.isfinite(value):
        value = node
    if value is None or isinstance(value, str | int | float | bool):
        return value
    document.problems[location] = "not text, a number, true, false or null: if it is text, write it in quotes"
    return None


def _build_mapping(
    document: Document, loader: yaml.SafeLoader, node: yaml.MappingNode, location: _Location
) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            at = (*location, f"line {line}")
            document.lines[at] = line
            braces = isinstance(key_node, yaml.MappingNode)  # {{ x }} is a mapping whose key is a mapping
            document.problems[at] = _UNFILLED if braces else "a key must be text: write it in quotes"
            continue
        here = (*location, key)
        if key in built:
            again = (*here, f"line {line}")
            document.lines[again] = line
            document.problems[again] = (
                f"'{as_place([key])}' is given twice, first in line {document.lines[here]}"
            )
            continue
        document.lines[here] = line
        built[key] = _build(document, loader, value_node, here)
    return built


def validate(document: Document, model: type[_Model], known: Iterable[str] = ()) -> _Model:
    """The document as `model`. Raises ConfigError with every problem, in the order of the file's lines.

    `known` are keys that exist anywhere in the model, from which a misspelt one gets its suggestion.
    """
    found = [(document.line(at), text) for at, text in document.problems.items()]
    result: _Model | None = None
    if not isinstance(document.data, Mapping):
        if not document.problems:
            found.append((1, "expected a mapping of keys to values"))
    else:
        try:
            result = model.model_validate(document.data)
        except ValidationError as error:
            names = list(known)
            details = [
                (place(detail, document.data), detail)
                for detail in error.errors(include_url=False, include_input=False)
            ]
            inside = {detail["loc"][:i] for _, detail in details for i in range(len(detail["loc"]))}
            told = document.problems
            for at, detail in details:
                if detail["type"] == "too_short" and detail["loc"] in inside:
                    continue  # a list is only short of the items that are wrong
                if not any(
                    at[: len(bad)] == bad or (at == bad[:-1] and told[bad] == _UNFILLED) for bad in told
                ):
                    found.append((document.line(at), describe(detail, at, names)))
    if result is None or found:
        lines = [f"{document.name}:{line}: {text}" for line, text in sorted(found, key=lambda item: item[0])]
        raise ConfigError(document.name, lines)
    return result


def matching(pattern: str, what: str, *, shown: bool = True) -> AfterValidator:
    """For an Annotated text of a model: it must match `pattern` whole (ASCII); otherwise it "is not `what`".

    `shown` is false where the text may be a secret: then the message does not repeat it.
    """
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"{text[:60]!r} is not {what}" if shown else f"not {what}")
        return text

    return AfterValidator(check)
