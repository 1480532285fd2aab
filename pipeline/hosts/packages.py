"""Which Debian packages a provider needs, and which this machine lacks; the lists are in bootstrap/."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipeline.errors import LabError
from pipeline.state import ROOT

__all__ = ["missing_packages", "needed_packages"]

LISTS = ROOT / "bootstrap"


def needed_packages(name: str) -> list[str]:
    """The packages in bootstrap/packages-`name`.txt: "base" or a provider; none without such a file."""
    path = LISTS / f"packages-{name}.txt"
    if not path.is_file():
        return []
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def missing_packages(name: str, *, status: Path | None = None) -> list[str]:
    """Those of them that dpkg does not have installed. Raises LabError on a machine without dpkg.

    `status` is another dpkg administration directory than the machine's own.
    """
    needed = needed_packages(name)
    command = ["dpkg-query", *([f"--admindir={status}"] if status else [])]
    try:
        listed = subprocess.run(
            [*command, "--show", "--showformat=${Package} ${db:Status-Status}\\n"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except FileNotFoundError:
        raise LabError(
            "this machine has no dpkg, so its packages are unknown", hint="pipeline doctor"
        ) from None
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return [package for package in needed if package not in installed]
