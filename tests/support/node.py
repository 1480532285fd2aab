"""What bootstrap/setup.sh test installs with npm: node_modules of the bundled preview service and of the dashboard."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

__all__ = ["node_modules"]


def node_modules(of: str) -> Path:
    """The installed packages of `preview` or `dashboard`. Where they, or node itself, are missing, the test fails."""
    path = Path(sys.prefix) / "node" / of / "node_modules"
    assert shutil.which("node"), "node is not there: bootstrap/setup.sh test"
    assert path.is_dir(), f"the packages of {of} are not installed: bootstrap/setup.sh test"
    return path
