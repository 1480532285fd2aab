"""The facts of deploys/facts.yml, which `pipeline` and the deploys must agree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from pipeline.base.places import DEPLOYS

__all__ = ["APPLICATIONS", "EXPORTERS", "PROXY_PORT", "REPORTS", "REPOSITORIES", "TUNNEL_PORT"]

_FACTS: Final[Mapping[str, Any]] = yaml.safe_load((DEPLOYS / "facts.yml").read_text(encoding="utf-8"))

APPLICATIONS: Final[Mapping[str, Mapping[str, Any]]] = _FACTS["applications"]
EXPORTERS: Final[Mapping[str, int]] = _FACTS["exporters"]
PROXY_PORT: Final[int] = _FACTS["proxy"]["listen"]
REPORTS: Final[str] = _FACTS["monitor"]["reports"]
TUNNEL_PORT: Final[int] = _FACTS["monitor"]["tunnel"]
# The upstream repository of each service that can be tested or deployed.
REPOSITORIES: Final[Mapping[str, str]] = {
    "preview": _FACTS["preview"]["repository"],
    **{key: known["repository"] for key, known in APPLICATIONS.items()},
}
