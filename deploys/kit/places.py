"""Where things are on this machine: the files that the deploys put on hosts, and the user's cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["CHECKS", "DASHBOARD", "DEPLOYS", "TEMPLATES", "cache_folder"]

DEPLOYS: Final = Path(__file__).resolve().parent.parent
TEMPLATES: Final = DEPLOYS / "templates"
CHECKS: Final = DEPLOYS / "checks"
DASHBOARD: Final = DEPLOYS.parent / "dashboard"


def cache_folder(name: str) -> Path:
    """The folder `name` of the user's cache (~/.cache/pipeline, or in XDG_CACHE_HOME). It may not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pipeline" / name
