"""A request before values are filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from loadgen.capture import Capture
from loadgen.request import Kind, Request

__all__ = ["PLACEHOLDER", "Template"]

PLACEHOLDER: Final = re.compile(r"\{\{[ \t]*([^{}\s]+)[ \t]*\}\}")  # {{name}} or {{name.column}}
_BYTES_PLACEHOLDER: Final = re.compile(PLACEHOLDER.pattern.encode())
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A request before values are filled in.

    Attributes:
        kind: What all that are made of it have in common.
        weight: How often it is sent, in parts of the sum of all weights; of a step it says nothing.
        url: Its address.
        headers: Names and values.
        body: Its bytes, or None.
        captures: What later steps need of its answer.
    """

    kind: Kind
    weight: float
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    captures: tuple[Capture, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names of the values that it needs."""
        texts = (self.url, *(value for _, value in self.headers))
        found = {name for text in texts for name in PLACEHOLDER.findall(text)}
        return frozenset(found | {name.decode() for name in _BYTES_PLACEHOLDER.findall(self.body or b"")})

    def filled(self, row: Mapping[str, str]) -> Request:
        """The request with the values of `row`: in the address percent-encoded, in a body as its type has it."""

        def put(text: str, escaped: Callable[[str], str]) -> str:
            return PLACEHOLDER.sub(lambda match: escaped(row[match[1]]), text)

        body = self.body
        if body is not None:
            escaped = _escape_of(self.headers)
            body = _BYTES_PLACEHOLDER.sub(lambda match: escaped(row[match[1].decode()]).encode(), body)
        headers = tuple((name, put(value, _on_one_line)) for name, value in self.headers)
        return Request(self.kind, put(self.url, _encoded), headers, body)


def _encoded(text: str) -> str:
    return quote(text, safe="")


def _on_one_line(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _in_json(text: str) -> str:
    """As it stands between the quotes of a JSON text; a number stays what it is."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _escape_of(headers: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    """How a value is written in a body of this type."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "").lower()
    if "json" in kind:
        return _in_json
    return _encoded if "x-www-form-urlencoded" in kind else str
