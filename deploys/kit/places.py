"""Where the files are that the deploys put on hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["CHECKS", "DASHBOARD", "DEPLOYS", "TEMPLATES"]

DEPLOYS: Final = Path(__file__).resolve().parent.parent
TEMPLATES: Final = DEPLOYS / "templates"
CHECKS: Final = DEPLOYS / "checks"
DASHBOARD: Final = DEPLOYS.parent / "dashboard"
