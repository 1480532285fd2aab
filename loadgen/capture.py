"""What is taken from an answer for later steps: a part of its JSON, a header, or what a regular expression finds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadgen.result import Content

__all__ = ["Capture", "Header", "JsonPath", "Pattern"]

_STEP: Final = re.compile(r"""\.([A-Za-z0-9_-]+)|\[(\d{1,9})\]|\['([^']+)'\]|\["([^"]+)"\]""")


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A text, a number or a truth value of a JSON body.

    Attributes:
        text: As it is written.
        keys: Names and list numbers that lead there.
    """

    text: str
    keys: Sequence[str | int]

    @classmethod
    def parsed(cls, text: str) -> JsonPath:
        """A path of names and list numbers, of JSONPath's many forms these alone. Raises ValueError.

        >>> JsonPath.parsed("$.items[0]['a b'].id").keys
        ('items', 0, 'a b', 'id')
        """
        keys: list[str | int] = []
        at = 1
        while text.startswith("$") and at < len(text) and (match := _STEP.match(text, at)):
            name, number, *quoted = match.groups()
            keys.append(int(number) if number else name or quoted[0] or quoted[1])
            at = match.end()
        if not keys or at < len(text):
            raise ValueError("a path such as $.user.id or $.items[0].id")
        return cls(text, tuple(keys))

    def found(self, content: Content) -> str | None:
        try:
            value: Any = json.loads(content.body)
        except (ValueError, RecursionError):
            return None
        for key in self.keys:
            if isinstance(key, int):
                value = value[key] if isinstance(value, list) and key < len(value) else None
            else:
                value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value.encode(
                "utf-8", "replace"
            ).decode()  # JSON can hold half a character, and UTF-8 cannot
        return json.dumps(value) if isinstance(value, int | float) else None


@dataclass(frozen=True, slots=True)
class Header:
    """The first header of a name."""

    text: str

    def found(self, content: Content) -> str | None:
        name = self.text.lower()
        return next((value for key, value in content.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The first group of a regular expression, or all that it finds where it has none, searched in the body."""

    text: str
    regex: re.Pattern[bytes]

    def found(self, content: Content) -> str | None:
        match = self.regex.search(content.body)
        if match is None:
            return None
        value = match[1] if self.regex.groups else match[0]
        return None if value is None else value.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Capture:
    """A value under a name, for the placeholders of later steps."""

    name: str
    source: JsonPath | Header | Pattern

    @property
    def of_body(self) -> bool:
        return not isinstance(self.source, Header)

    def found(self, content: Content) -> str | None:
        """The value; None where there is none, or an empty one."""
        return self.source.found(content) or None
