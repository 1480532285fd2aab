"""Where things are: the checkout, its own state, the user's cache."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["CACHE", "DEPLOYS", "PROFILES", "ROOT", "SERVICES", "log_file", "state_directory"]

ROOT = Path(__file__).resolve().parents[2]  # Vagrantfiles, deploys and profiles live beside the package


DEPLOYS = ROOT / "deploys"
PROFILES = ROOT / "profiles"
SERVICES = ROOT / "services"


CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pipeline"


def state_directory() -> Path:
    """This checkout's own state (lock, lab addresses, logs), made when absent. Two checkouts have two labs."""
    path = ROOT / ".pipeline"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def log_file(what: str, host: str) -> Path:
    """A new log's path, in the checkout's own state."""
    directory = state_directory() / "deploys"
    directory.mkdir(mode=0o700, exist_ok=True)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return directory / f"{now}-{what}-{re.sub(r'[^A-Za-z0-9._-]+', '-', host)[:60]}.log"
