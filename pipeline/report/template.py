"""The pages' templates, filled: everything that is put in is escaped, and the style comes with the page."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

import jinja2

__all__ = ["rendered", "script", "script_policy"]

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


def script(name: str) -> str:
    """The text of a script of ours."""
    return (_TEMPLATES / name).read_text("utf-8")


def script_policy(name: str) -> str:
    """The policy of a page that runs this one script, which asks the server that the page came from."""
    digest = base64.b64encode(hashlib.sha256(script(name).encode()).digest()).decode()
    return f"{_POLICY}; script-src 'sha256-{digest}'; connect-src 'self'"
