"""One request of a mix's file, or a sequence of them: `steps:`, each with what it captures."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from loadgen.arguments import BYTES_REGEX, METHOD
from loadgen.mixcapture import captures_of
from loadgen.mixkeys import MixError, converted, header_of, is_plain, only, text_of
from loadgen.request import Kind
from loadgen.steps import Steps
from loadgen.template import PLACEHOLDER, Template

__all__ = ["LARGEST", "MOST", "Common", "read_request", "read_steps"]

LARGEST: Final = 16_000_000  # bytes of the file, and of a body's
MOST: Final = 100  # requests
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._/-]{0,38}[A-Za-z0-9._/-])?")
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
_STEP_KEYS: Final = (*(key for key in _KEYS if key != "weight"), "capture")


@dataclass(frozen=True, slots=True)
class Common:
    """What all requests of a file have in common.

    Attributes:
        base: the folder from which files are named.
        origin: the URL without a path, http://HOST:PORT.
        headers: of all that name no others.
    """

    base: Path
    origin: str
    headers: Sequence[tuple[str, str]]


def read_request(given: Any, common: Common, at: Sequence[str | int]) -> Template:
    """A request by itself. Raises MixError."""
    if isinstance(given, Mapping) and "capture" in given:
        raise MixError((*at, "capture"), "goes with steps: it is later ones that need what is captured")
    only(given, (*_KEYS, "steps"), at)
    return _template(given, common, at, _weight(given, at))


def read_steps(given: Mapping[str, Any], common: Common, at: Sequence[str | int]) -> Steps:
    """A sequence. Raises MixError."""
    only(given, ("weight", "steps"), at)
    listed = given["steps"]
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        raise MixError((*at, "steps"), f"a list of 1 to {MOST} requests, in their order")
    templates = []
    for number, step in enumerate(listed):
        place = (*at, "steps", number)
        only(step, _STEP_KEYS, place)
        template = _template(step, common, place, weight=1.0)
        captures = captures_of(step.get("capture"), (*place, "capture"))
        kind = replace(
            template.kind,
            brings_headers=bool(captures) or number < len(listed) - 1,  # a cookie may be in them
            brings_body=any(capture.of_body for capture in captures),
        )
        templates.append(replace(template, kind=kind, captures=captures))
    return Steps(_weight(given, at), tuple(templates))


def _weight(given: Mapping[str, Any], at: Sequence[str | int]) -> float:
    weight = given.get("weight", 1)
    if not is_plain(weight) or isinstance(weight, str) or not (math.isfinite(weight) and 0 < weight <= 1e6):
        raise MixError((*at, "weight"), "a number above 0, up to a million")
    return float(weight)


def _template(given: Mapping[str, Any], common: Common, at: Sequence[str | int], weight: float) -> Template:
    name = text_of(given.get("name"), (*at, "name"))
    if not _NAME.fullmatch(name):
        raise MixError((*at, "name"), "up to 40 letters, digits, spaces and . _ / -")
    path, query = text_of(given.get("path"), (*at, "path")), text_of(given.get("query", ""), (*at, "query"))
    if not _PATH.fullmatch(_without_placeholders(path)):
        raise MixError(
            (*at, "path"), "a path such as /items (a space is %20, what follows a ? goes into query)"
        )
    if not _QUERY.fullmatch(_without_placeholders(query)):
        raise MixError((*at, "query"), "a query: no spaces (use %20), no #")
    own = _headers(given.get("headers"), (*at, "headers"))
    body = _body(given, common.base, at)
    named = {key.lower() for key, _ in own}
    if given.get("json") is not None and "content-type" not in named:
        own = [*own, ("Content-Type", "application/json")]
        named.add("content-type")
    own += [(key, value) for key, value in common.headers if key.lower() not in named]
    # A name that comes twice is spelled one way: aiohttp would keep one of the two.
    spelled: dict[str, str] = {}
    own = [(spelled.setdefault(key.lower(), key), value) for key, value in own]
    statuses, regex = _expected(given.get("expect"), (*at, "expect"))
    method = converted(lambda: METHOD.convert(text_of(given.get("method", "GET"), at), None, None), at)
    return Template(
        Kind(name, method, statuses, regex),
        weight,
        common.origin + path + (f"?{query}" if query else ""),
        tuple(own),
        body,
    )


def _without_placeholders(text: str) -> str:
    return PLACEHOLDER.sub("x", text)


def _headers(given: Any, at: Sequence[str | int]) -> list[tuple[str, str]]:
    if given is None:
        return []
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise MixError(at, "a mapping of names to texts")
    return [header_of(key, text_of(value, at), at) for key, value in given.items()]


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
    text = text_of(given[bodies[0]], (*at, bodies[0]))
    if bodies == ["body"]:
        return text.encode()
    path = base / text
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except (OSError, ValueError) as problem:
        said = getattr(problem, "strerror", None) or "not a path"
        raise MixError((*at, "body_file"), f"{path}: {said}") from None
    if len(body) > LARGEST:
        raise MixError((*at, "body_file"), f"{path}: larger than {LARGEST // 1_000_000} MB")
    return body


def _expected(given: Any, at: Sequence[str | int]) -> tuple[tuple[int, ...], re.Pattern[bytes] | None]:
    if given is None:
        return (200,), None
    only(given, ("status", "body_regex"), at)
    status = given.get("status", 200)
    statuses = status if isinstance(status, list) else [status]
    if not statuses or not all(
        isinstance(one, int) and not isinstance(one, bool) and 100 <= one <= 599 for one in statuses
    ):
        raise MixError((*at, "status"), "a status from 100 to 599, or a list of them")
    regex = given.get("body_regex")
    if regex is None:
        return tuple(statuses), None
    text = text_of(regex, (*at, "body_regex"))
    return tuple(statuses), converted(lambda: BYTES_REGEX.convert(text, None, None), (*at, "body_regex"))
