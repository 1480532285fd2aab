"""Where things are: the checkout, its own state, the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CACHE", "DEPLOYS", "ROOT", "state_directory"]

ROOT = Path(__file__).resolve().parent.parent  # Vagrantfiles, deploys and profiles live beside the package
DEPLOYS = ROOT / "deploys"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pipeline"


def state_directory() -> Path:
    """This checkout's own state (lock, lab addresses, logs), made when absent. Two checkouts have two labs."""
    path = ROOT / ".pipeline"
    path.mkdir(mode=0o700, exist_ok=True)
    return path
