"""Debian packages, installed only where they are missing."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.context import host
from pyinfra.facts.server import Command
from pyinfra.operations import apt

__all__ = ["ensure"]

# One line a package. One that was removed but not purged is "config-files", not "installed".
INSTALLED = "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' 2>/dev/null | sed -n 's/ installed$//p'"


def ensure(packages: Sequence[str]) -> None:
    """Install those of `packages` that the host lacks. Where none is missing, not even `apt update` runs."""
    found = set((host.get_fact(Command, INSTALLED) or "").splitlines())
    missing = sorted(set(packages) - found)
    if not missing:
        return
    apt.update(name="Refresh the package lists")
    apt.packages(name="Install the missing packages", packages=missing, no_recommends=True)
