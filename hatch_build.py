"""Puts the files that stand at the top of the checkout into the wheel, where base/places.py finds them.

pyproject.toml says the same of whole folders, which it can; a single file it would also copy into the environment of
a checkout, which has the file already.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["TopFiles"]

PATTERNS = ("Vagrantfile.*", "prod.example.yml")


class TopFiles(BuildHookInterface):  # type: ignore[type-arg] # its argument is hatchling's own, and we read none of it
    """Hatchling finds the one hook in this file, whatever it is called."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":  # the other is "editable"
            for path in (path for pattern in PATTERNS for path in Path(self.root).glob(pattern)):
                build_data["force_include"][str(path)] = f"pipeline/shipped/{path.name}"
