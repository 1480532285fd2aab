"""The pages' templates, filled: everything that is put in is escaped, and the style comes with the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import jinja2

__all__ = ["rendered"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
# No script, no request; styles are in the page. `frame-ancestors` and `sandbox` only work as a header.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)


def rendered(name: str, **values: Any) -> str:
    """The template `name` with `values`, the style sheet as `css`, and the policy of a page without scripts."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (_TEMPLATES / "report.css").read_text("utf-8")
    return environment.get_template(name).render(css=css, **{"policy": _POLICY, **values})
