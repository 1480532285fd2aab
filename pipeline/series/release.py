"""One release's own values in a configuration that stays the same: `--set KEY=VALUE`, and `${NAME}` in the file.

Both are text in the place of the file's text. They are no place for secrets: what they say is shown, and kept with
the run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipeline.base.errors import UsageError
from pipeline.base.problems import as_place
from pipeline.base.text import printable
from pipeline.base.yamlfile import Document

__all__ = ["parse_set", "released"]

# In capitals, so that $step and Grafana's ${__interval} in a query stay what they are.
_REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}", re.ASCII)
_ARMS: Final = ("baseline", "canary")
_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_:-]*(?:\.[A-Za-z_][A-Za-z0-9_:-]*)*", re.ASCII)
_HINT: Final = "--set canary.version=1.5.0, --set step=30s, --set metrics.NAME.margin=15%"

_Location = tuple[str | int, ...]


def parse_set(text: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`. Raises UsageError."""
    key, sign, value = text.partition("=")
    if not sign or not _PATH.fullmatch(key) or not value:
        raise UsageError(f"--set {printable(text, 60)!r} is not KEY=VALUE", hint=_HINT)
    return key, value


def released(document: Document, sets: Iterable[str], values: Mapping[str, str] | None = None) -> None:
    """Put the values of `sets` into the document, then those of the environment where it says `${NAME}`.

    A variable that is not set is a problem of the document. Raises UsageError where a key is none of the file's.

    Args:
        document: of the configuration.
        sets: each KEY=VALUE; `canary.LABEL` and `baseline.LABEL` are the labels of `arms`.
        values: the variables; those of this process unless given.
    """
    for text in sets:
        _set(document, *parse_set(text))
    document.data = _filled(document, document.data, (), os.environ if values is None else values)


def _set(document: Document, key: str, value: str) -> None:
    steps = key.split(".")
    if steps[0] in _ARMS and len(steps) > 1:
        steps = ["arms", steps[0], ".".join(steps[1:])]
    *parents, last = steps
    place = document.data
    for step in parents:
        if isinstance(place, list):  # of metrics, by name
            inner = next((one for one in place if isinstance(one, dict) and one.get("name") == step), None)
        elif isinstance(place, dict) and (step in place or steps[0] in ("arms", "policy")):
            inner = place.setdefault(step, {})
        else:
            inner = None
        if not isinstance(inner, dict | list):
            raise UsageError(f"--set {key}: there is no {step} in {document.name}", hint=_HINT)
        place = inner
    if not isinstance(place, dict):
        raise UsageError(f"--set {key}: gives no single value of {document.name}", hint=_HINT)
    place[last] = value


def _filled(document: Document, value: Any, at: _Location, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(document, item, (*at, key), values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(document, item, (*at, i), values) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in dict.fromkeys(_REFERENCE.findall(value)):
        if not values.get(name):
            state = "is empty" if name in values else "is not set"
            document.problems.setdefault(
                at, f"{as_place(at)}: ${{{name}}} {state} in the environment: export {name}=..."
            )
            return value
    return _REFERENCE.sub(lambda match: values[match[1]], value)
