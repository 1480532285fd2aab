"""A mix: several requests, each as often as its weight says, with values filled in.

Which request comes when is drawn by the seed, a hundred at a time: each hundred has every request as often as its
weight says, to within one, in an order of chance. So two times of a run that are as long get the same mix, and what is
rare does not come in heaps.
"""

from __future__ import annotations

import bisect
import itertools
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from loadgen.request import Kind, Request
from loadgen.values import Row, Values

__all__ = ["PLACEHOLDER", "Mix", "Template"]

PLACEHOLDER: Final = re.compile(r"\{\{[ \t]*([^{}\s]+)[ \t]*\}\}")  # {{name}} or {{name.column}}
_BYTES_PLACEHOLDER: Final = re.compile(PLACEHOLDER.pattern.encode())
_BATCH: Final = 100
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A request before values are filled in.

    Attributes:
        kind: What all that are made of it have in common.
        weight: How often it is sent, in parts of the sum of all weights.
        url: Its address.
        headers: Names and values.
        body: Its bytes, or None.
    """

    kind: Kind
    weight: float
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of the values that it needs."""
        texts = (self.url, *(value for _, value in self.headers))
        found = {name for text in texts for name in PLACEHOLDER.findall(text)}
        return frozenset(found | {name.decode() for name in _BYTES_PLACEHOLDER.findall(self.body or b"")})

    def filled(self, row: Row) -> Request:
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


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """What is sent.

    Attributes:
        templates: At least one; each has a name of its own.
        values: By name.
        seed: Whatever is drawn by chance follows from it.
    """

    templates: Sequence[Template]
    values: Mapping[str, Values]
    seed: int = 1

    def requests(self) -> Iterator[Request]:
        """One request after the other, without end."""
        makers = [self._maker(template) for template in self.templates]
        # A value of which two requests have a part goes on from one to the other.
        drawn = {name: values.drawn(f"{self.seed} {name}") for name, values in self.values.items()}
        for number in self._order():
            template, names, constant = makers[number]
            if constant is None:
                row: dict[str, str] = {}
                for name in names:
                    row |= next(drawn[name])
                yield template.filled(row)
            else:
                yield constant

    def first_of_each(self) -> list[Request]:
        """Each request as it is with the first values."""
        first: dict[str, str] = {}
        for name, values in self.values.items():
            first |= next(values.drawn(f"{self.seed} {name}"))
        return [template.filled(first) for template in self.templates]

    def _maker(self, template: Template) -> tuple[Template, Sequence[str], Request | None]:
        needed = template.names
        sources = [name for name, values in self.values.items() if values.names & needed]
        return template, sources, None if sources else template.filled({})

    def _order(self) -> Iterator[int]:
        """Which request comes next, by its number."""
        chance = random.Random(f"{self.seed}")  # noqa: S311 - no secret: it must come out the same again
        total = sum(template.weight for template in self.templates)
        until = list(itertools.accumulate(template.weight / total for template in self.templates))
        last = len(until) - 1
        while True:
            begin = chance.random()
            batch = [min(bisect.bisect_right(until, (at + begin) / _BATCH), last) for at in range(_BATCH)]
            chance.shuffle(batch)
            yield from batch
