"""A template with its variables filled as Kayenta fills them: as commons-text's StringSubstitutor does.

`${name}` is a variable, `${name:-text}` one with a default, `$${name}` stands for itself. A value may hold variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["TemplateError", "expand"]

_LARGEST: Final = 100_000  # characters: values that hold one another grow beyond all measure


class TemplateError(ValueError):
    """A template that cannot be filled; `variable` is the name that stands for nothing, if that is why."""

    def __init__(self, message: str, variable: str = "") -> None:
        super().__init__(message)
        self.variable = variable


def expand(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables filled. Raises TemplateError.

    >>> expand("a=${x},b=${y:-z}", {"x": "1"})
    'a=1,b=z'
    """
    # Spinnaker's own engine would fill ${...}, so what it passes on is written $\{...}.
    return _filled(template.replace("$\\{", "${"), values, ())


def _filled(text: str, values: Mapping[str, str], within: tuple[str, ...]) -> str:
    at = 0
    while (start := text.find("${", at)) >= 0 and (end := text.find("}", start)) >= 0:
        if start > 0 and text[start - 1] == "$":
            text = text[: start - 1] + text[start:]
            at = start + 1
            continue
        inside = text[start + 2 : end]
        name, delimiter, default = inside.partition(":-")
        if "${" in name:
            name, delimiter = inside, ""
        if name in within:
            raise TemplateError(f"the variable {name} holds itself")
        if name not in values and not delimiter:
            raise TemplateError(f"the variable {name[:60]!r} stands for nothing", name)
        value = _filled(values.get(name, default), values, (*within, name))
        text = text[:start] + value + text[end + 1 :]
        if len(text) > _LARGEST:
            raise TemplateError(f"grows beyond {_LARGEST:,} characters")
        at = start + len(value)
    return text
