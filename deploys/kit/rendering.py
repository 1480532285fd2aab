"""The Jinja2 templates of `templates/`, filled in."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploys.kit.places import TEMPLATES

__all__ = ["render"]

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    autoescape=False,  # noqa: S701 the output is configuration files and units, not HTML; callers check what goes in
)


def render(template: str, **variables: object) -> str:
    """The text of `templates/TEMPLATE`. A variable that it uses and that is not given is an error."""
    return _TEMPLATES.get_template(template).render(**variables)
