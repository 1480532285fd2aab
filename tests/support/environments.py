"""Environments that hold the wheel and chosen packages, made offline in a second or two.

The wheel is really installed. The packages it needs are not copied: a folder on PYTHONPATH links to those of the
environment that runs the tests, and to those alone that pip would have installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

__all__ = ["Installed", "build_wheel", "canonical", "closure", "install"]

_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def build_wheel(checkout: Path, into: Path) -> Path:
    """The wheel of a checkout, built with what is installed here."""
    command = [
        *_PIP,
        "wheel",
        str(checkout),
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--wheel-dir",
    ]
    subprocess.run([*command, str(into)], check=True, capture_output=True, text=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def canonical(name: str) -> str:
    """A distribution's name as the packaging standards compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(requirements: Iterable[str]) -> set[str]:
    """The distributions that pip installs for these requirements, by their canonical names, as they are installed."""
    todo, seen = [Requirement(text) for text in requirements], set[tuple[str, frozenset[str]]]()
    while todo:
        wanted = todo.pop()
        key = (canonical(wanted.name), frozenset(wanted.extras))
        if key not in seen:
            seen.add(key)
            todo += _needs(distribution(wanted.name), wanted.extras)
    return {name for name, _ in seen}


def _needs(of: Distribution, extras: Iterable[str]) -> list[Requirement]:
    listed = [Requirement(text) for text in of.requires or ()]
    return [need for need in listed if need.marker is None or _holds(need.marker, extras)]


def _holds(marker: Any, extras: Iterable[str]) -> bool:
    return any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and the folder in which the links are made."""

    folder: Path
    package: Path
    metadata: Distribution

    def needs(self, *extras: str) -> list[str]:
        """What pip would install beside the wheel, with these extras."""
        return [str(need) for need in _needs(self.metadata, extras)]

    def run(
        self, *arguments: str, cwd: Path, extras: Iterable[str] = (), env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A program of the environment, run with the packages of these extras and no others."""
        packages = self.folder / "packages" / "-".join(["base", *extras])
        if not packages.exists():
            packages.mkdir(parents=True)
            for name in closure(_plain(self.needs(*extras))):
                _link(distribution(name), packages)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {
            "PYTHONPATH": str(packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            **(env or {}),
        }
        program, *rest = arguments
        return subprocess.run(
            [str(self.folder / "bin" / program), *rest],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def _plain(requirements: Iterable[str]) -> list[str]:
    """Without markers: they were looked at already."""
    return [text.partition(";")[0].strip() for text in requirements]


def install(wheel: Path, folder: Path) -> Installed:
    """A new virtual environment with the wheel and nothing else."""
    venv.create(folder, symlinks=True)
    python = str(folder / "bin" / "python")
    subprocess.run(
        [*_PIP, "--python", python, "install", "--no-deps", "--no-index", "--no-compile", str(wheel)],
        check=True,
        capture_output=True,
        text=True,
    )
    (metadata,) = folder.glob("lib/python*/site-packages/*.dist-info")
    return Installed(folder, metadata.parent / "pipeline", Distribution.at(metadata))


def _link(of: Distribution, into: Path) -> None:
    tops = {file.parts[0] for file in of.files or () if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        source = Path(str(of.locate_file(top)))
        if source.is_dir() and not (source / "__init__.py").exists() and source.suffix != ".dist-info":
            (into / top).mkdir(exist_ok=True)  # several distributions may share it
            for part in source.iterdir():
                if not (into / top / part.name).exists():
                    (into / top / part.name).symlink_to(part)
        else:
            (into / top).symlink_to(source)
