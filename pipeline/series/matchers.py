"""How a version's series are told by their labels: by a value, by a regular expression, or by all that is not these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

__all__ = ["LabelMatcher", "Matcher"]

# What a value of its own hardly has: a build such as 1.5.0+a1 must stay a value.
_EXPRESSION: Final = (".*", ".+", "|")
_FORM: Final = 'must be text: write it in quotes; or {not: "1.5.0"}'
_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher of PromQL: `operator` is =, !=, =~ or !~.

    >>> str(Matcher.of("1.5.0")), str(Matcher.of("1.5.*")), str(Matcher.of({"not": "vm7|vm8"}))
    ('=1.5.0', '=~1.5.*', '!~vm7|vm8')
    """

    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.operator}{self.value}"

    @classmethod
    def of(cls, given: object) -> Matcher:
        """What stands in a file: text, or {not: text}, or {is: text} where it only looks like an expression.

        Raises ValueError.
        """
        if isinstance(given, cls):
            return given
        negated = literal = False
        if isinstance(given, Mapping):
            if len(given) != 1 or (key := next(iter(given))) not in ("not", "is"):
                raise ValueError(_FORM)
            negated, literal, given = key == "not", key == "is", given[key]
        if not isinstance(given, str) or len(given) > _LONGEST:
            raise ValueError(_FORM if not isinstance(given, str) else f"is longer than {_LONGEST} characters")
        if literal or not any(part in given for part in _EXPRESSION):
            return cls("!=" if negated else "=", given)
        try:
            re.compile(given)  # Prometheus' own expressions (RE2) are a part of these, but for a few
        except re.error as error:
            raise ValueError(f"{given[:60]!r} is no regular expression: {error}") from None
        return cls("!~" if negated else "=~", given)


def _matcher(value: Any) -> Any:
    return Matcher.of(value)


LabelMatcher = Annotated[Matcher, BeforeValidator(_matcher)]
