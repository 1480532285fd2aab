"""What a step of a mix's file takes from its answer: `capture:`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadgen.arguments import BYTES_REGEX
from loadgen.capture import Capture, Header, JsonPath, Pattern
from loadgen.mixkeys import VALUE_NAME, MixError, converted, header_of, only, text_of

__all__ = ["captures_of"]

_SOURCES: Final = ("json", "header", "regex")


def captures_of(given: Any, at: Sequence[str | int]) -> tuple[Capture, ...]:
    """What a step takes from its answer, by name. Raises MixError."""
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise MixError(at, "a mapping of names to what is taken from the answer")
    return tuple(_capture(name, source, (*at, str(name))) for name, source in given.items())


def _capture(name: Any, given: Any, at: Sequence[str | int]) -> Capture:
    if not isinstance(name, str) or not VALUE_NAME.fullmatch(name):
        raise MixError(at, "not a name: letters, digits, _ and -")
    only(given, _SOURCES, at)
    if len(given) != 1:
        raise MixError(at, f"one of {', '.join(_SOURCES)} says what is taken")
    ((source, content),) = given.items()
    text = text_of(content, (*at, source))
    if source == "header":
        return Capture(name, Header(header_of(text, "", (*at, source))[0]))
    if source == "regex":
        return Capture(
            name, Pattern(text, converted(lambda: BYTES_REGEX.convert(text, None, None), (*at, source)))
        )
    try:
        return Capture(name, JsonPath.parsed(text))
    except ValueError as problem:
        raise MixError((*at, source), str(problem)) from None
