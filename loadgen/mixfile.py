"""The YAML file of a mix: `requests:`, `values:` and `seed:`. docs/loadgen.md has an example with every key."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import yaml

from loadgen.arguments import BYTES_REGEX, HEADER, METHOD
from loadgen.mix import PLACEHOLDER, Mix, Template
from loadgen.request import Kind
from loadgen.values import PICKS, Numbers, Rows, Uuids, Values, read_rows

__all__ = ["MixError", "mix_of", "read_mix"]

_LARGEST: Final = 16_000_000  # bytes of the file, and of a body's
_MOST: Final = 100  # requests
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._/-]{0,38}[A-Za-z0-9._/-])?")
_VALUE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_PATH: Final = re.compile(r"/[\x21-\x22\x24-\x3e\x40-\x7e]*")  # neither ? nor #
_QUERY: Final = re.compile(r"[\x21\x22\x24-\x7e]*")
_KEYS: Final = (
    "name",
    "weight",
    "method",
    "path",
    "query",
    "headers",
    "body",
    "json",
    "body_file",
    "expect",
)
_SOURCES: Final = ("csv", "numbers", "one_of", "uuid")
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


def read_mix(path: Path, origin: str, headers: Sequence[tuple[str, str]] = ()) -> Mix:
    """The mix in a file, sent to `origin`. Raises MixError.

    Args:
        path: The file; what it names is beside it.
        origin: Scheme, host and port.
        headers: Of every request that has none of that name itself.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise MixError((), f"larger than {_LARGEST // 1_000_000} MB")
        text = raw.decode()
        # A few lines of aliases can stand for billions of values.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise MixError((), "aliases (*name) are not supported")
        document = yaml.safe_load(text)
    except OSError as problem:
        raise MixError((), problem.strerror or str(problem)) from None
    except UnicodeDecodeError:
        raise MixError((), "not a text file in UTF-8") from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise MixError((), f"{line}{problem.problem or problem.context or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        if isinstance(problem, MixError):
            raise
        raise MixError((), "not YAML, or nested too deeply") from None
    return mix_of(document, path.parent, origin, headers)


def mix_of(document: Any, base: Path, origin: str, headers: Sequence[tuple[str, str]] = ()) -> Mix:
    """As `read_mix`, of what stood in a file in the folder `base`."""
    _only(document, ("requests", "values", "seed"), ())
    listed = document.get("requests")
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST:
        raise MixError(("requests",), f"a list of 1 to {_MOST} requests")
    values = _values(document.get("values"), base)
    known = frozenset(name for one in values.values() for name in one.names)
    templates: list[Template] = []
    for number, given in enumerate(listed):
        at = ("requests", number)
        template = _template(given, base, origin, headers, at)
        if template.kind.name in [earlier.kind.name for earlier in templates]:
            raise MixError((*at, "name"), f"{template.kind.name!r} is the name of another one, too")
        if unknown := sorted(template.names - known):
            there = f"there is {', '.join(sorted(known)[:6])}" if known else "there are none under values"
            raise MixError(at, f"no value is called {unknown[0]!r}: {there}")
        templates.append(template)
    seed = document.get("seed", 1)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise MixError(("seed",), "a whole number")
    return Mix(tuple(templates), values, seed)


def _only(given: Any, keys: Collection[str], at: Sequence[str | int]) -> None:
    if not isinstance(given, Mapping):
        raise MixError(at, "a mapping of keys to values")
    for key in given:
        if key not in keys:
            raise MixError(at, f"no key is called {str(key)[:40]!r}: there is {', '.join(keys)}")


def _values(given: Any, base: Path) -> dict[str, Values]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise MixError(("values",), "a mapping of names to where the values come from")
    found = {}
    for name, source in given.items():
        at = ("values", str(name))
        if not isinstance(name, str) or not _VALUE_NAME.fullmatch(name):
            raise MixError(at, "not a name: letters, digits, _ and -")
        try:
            found[name] = _value(name, source, base, at)
        except MixError:
            raise
        except ValueError as problem:
            raise MixError(at, str(problem)) from None
    return found


def _value(name: str, given: Any, base: Path, at: Sequence[str | int]) -> Values:
    _only(given, (*_SOURCES, "pick"), at)
    sources = [key for key in _SOURCES if key in given]
    if len(sources) != 1:
        raise MixError(at, f"one of {', '.join(_SOURCES)} says where the values come from")
    (source,) = sources
    content, pick = given[source], given.get("pick", PICKS[0])
    if pick not in PICKS:
        raise MixError((*at, "pick"), f"one of {', '.join(PICKS)}")
    if source == "csv":
        return read_rows(name, base / _text(content, (*at, source)), pick)
    if source == "uuid":
        if content is not True or "pick" in given:
            raise MixError(at, "write uuid: true, and no pick: they are random")
        return Uuids(name)
    if not isinstance(content, list) or not all(_is_plain(one) for one in content):
        raise MixError((*at, source), "a list of texts or numbers")
    if source == "numbers":
        if len(content) != 2 or not all(isinstance(one, int) for one in content):
            raise MixError((*at, source), "the first and the last of them: [1, 1000]")
        return Numbers(name, content[0], content[1], pick)
    if not content:
        raise MixError((*at, source), "at least one")
    return Rows([{name: str(one)} for one in content], pick)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _template(
    given: Any, base: Path, origin: str, headers: Sequence[tuple[str, str]], at: Sequence[str | int]
) -> Template:
    _only(given, _KEYS, at)
    name = _text(given.get("name"), (*at, "name"))
    if not _NAME.fullmatch(name):
        raise MixError((*at, "name"), "up to 40 letters, digits, spaces and . _ / -")
    weight = given.get("weight", 1)
    if not _is_plain(weight) or isinstance(weight, str) or not (math.isfinite(weight) and 0 < weight <= 1e6):
        raise MixError((*at, "weight"), "a number above 0, up to a million")
    path, query = _text(given.get("path"), (*at, "path")), _text(given.get("query", ""), (*at, "query"))
    if not _PATH.fullmatch(_without_placeholders(path)):
        raise MixError(
            (*at, "path"), "a path such as /items (a space is %20, what follows a ? goes into query)"
        )
    if not _QUERY.fullmatch(_without_placeholders(query)):
        raise MixError((*at, "query"), "a query: no spaces (use %20), no #")
    own = _headers(given.get("headers"), (*at, "headers"))
    body = _body(given, base, at)
    named = {key.lower() for key, _ in own}
    if given.get("json") is not None and "content-type" not in named:
        own = [*own, ("Content-Type", "application/json")]
        named.add("content-type")
    own += [(key, value) for key, value in headers if key.lower() not in named]
    spelled: dict[
        str, str
    ] = {}  # a name that comes twice is spelled one way: aiohttp would keep one of the two
    own = [(spelled.setdefault(key.lower(), key), value) for key, value in own]
    statuses, regex = _expected(given.get("expect"), (*at, "expect"))
    method = _converted(lambda: METHOD.convert(_text(given.get("method", "GET"), at), None, None), at)
    return Template(
        Kind(name, method, statuses, regex),
        float(weight),
        origin + path + (f"?{query}" if query else ""),
        tuple(own),
        body,
    )


def _without_placeholders(text: str) -> str:
    return PLACEHOLDER.sub("x", text)


def _text(given: Any, at: Sequence[str | int]) -> str:
    if not isinstance(given, str):
        raise MixError(at, "is missing" if given is None else "a text (write it in quotes)")
    return given


def _converted(convert: Callable[[], _T], at: Sequence[str | int]) -> _T:
    """What the command line makes of such a text, with its words for what is wrong."""
    try:
        return convert()
    except click.UsageError as problem:
        raise MixError(at, problem.message) from None


def _headers(given: Any, at: Sequence[str | int]) -> list[tuple[str, str]]:
    if given is None:
        return []
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise MixError(at, "a mapping of names to texts")
    return [_header(key, _text(value, at), at) for key, value in given.items()]


def _header(name: str, value: str, at: Sequence[str | int]) -> tuple[str, str]:
    return _converted(lambda: HEADER.convert(f"{name}: {value}", None, None), at)


def _body(given: Mapping[str, Any], base: Path, at: Sequence[str | int]) -> bytes | None:
    bodies = [key for key in ("body", "json", "body_file") if given.get(key) is not None]
    if len(bodies) > 1:
        raise MixError(at, f"give {' or '.join(bodies)}, not both")
    if not bodies:
        return None
    if bodies == ["json"]:
        try:
            return json.dumps(given["json"], ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError):
            raise MixError((*at, "json"), "cannot be written as JSON") from None
    text = _text(given[bodies[0]], (*at, bodies[0]))
    if bodies == ["body"]:
        return text.encode()
    path = base / text
    try:
        with path.open("rb") as file:
            body = file.read(_LARGEST + 1)
    except (OSError, ValueError) as problem:
        said = getattr(problem, "strerror", None) or "not a path"
        raise MixError((*at, "body_file"), f"{path}: {said}") from None
    if len(body) > _LARGEST:
        raise MixError((*at, "body_file"), f"{path}: larger than {_LARGEST // 1_000_000} MB")
    return body


def _expected(given: Any, at: Sequence[str | int]) -> tuple[tuple[int, ...], re.Pattern[bytes] | None]:
    if given is None:
        return (200,), None
    _only(given, ("status", "body_regex"), at)
    status = given.get("status", 200)
    statuses = status if isinstance(status, list) else [status]
    if not statuses or not all(
        isinstance(one, int) and not isinstance(one, bool) and 100 <= one <= 599 for one in statuses
    ):
        raise MixError((*at, "status"), "a status from 100 to 599, or a list of them")
    regex = given.get("body_regex")
    if regex is None:
        return tuple(statuses), None
    text = _text(regex, (*at, "body_regex"))
    return tuple(statuses), _converted(lambda: BYTES_REGEX.convert(text, None, None), (*at, "body_regex"))
