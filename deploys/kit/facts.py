"""The facts of deploys/facts.yml, for the deploys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from deploys.kit.places import DEPLOYS

__all__ = [
    "APPLICATIONS",
    "EXPORTERS",
    "MONITOR_PORT",
    "MONITOR_REPORTS",
    "PROXY_PORT",
    "TUNNEL_PORT",
    "Application",
]


@dataclass(frozen=True)
class Application:
    """What facts.yml says of one application."""

    repository: str
    ref: str
    listen: int
    slots: tuple[int, int]
    health: str
    makes: str = ""


_FACTS: Final[Mapping[str, Any]] = yaml.safe_load((DEPLOYS / "facts.yml").read_text(encoding="utf-8"))


def _application(known: Mapping[str, Any]) -> Application:
    first, second = known["slots"]
    return Application(
        known["repository"],
        known["ref"],
        known["listen"],
        (first, second),
        known["health"],
        known.get("makes", ""),
    )


APPLICATIONS: Final = {key: _application(known) for key, known in _FACTS["applications"].items()}
EXPORTERS: Final[Mapping[str, int]] = _FACTS["exporters"]
PROXY_PORT: Final[int] = _FACTS["proxy"]["listen"]
MONITOR_PORT: Final[int] = _FACTS["monitor"]["listen"]
MONITOR_REPORTS: Final[str] = _FACTS["monitor"]["reports"]
TUNNEL_PORT: Final[int] = _FACTS["monitor"]["tunnel"]
