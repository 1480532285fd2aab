"""Programs of this machine that only some commands need: what to type where one is missing, and what works without."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.base.errors import EnvironmentError_

__all__ = ["CHROMIUM", "JDK", "MAVEN", "Tool", "require"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A program under one of its names (`programs`), the command that installs it, and what works `without` it.

    `home` names the environment's variable with the directory above its `bin`, where only that counts.
    """

    name: str
    programs: tuple[str, ...]
    install: str
    without: str
    home: str = ""

    @property
    def path(self) -> str | None:
        """Where it is; None where it is not installed."""
        home = os.environ.get(self.home, "") if self.home else ""
        where = str(Path(home) / "bin") if home else None
        return next(filter(None, (shutil.which(name, path=where) for name in self.programs)), None)

    @property
    def absence(self) -> str:
        """What is not there, in words."""
        home = os.environ.get(self.home, "") if self.home else ""
        at = f" in {self.home}={home}" if home else ""
        return f"there is no {self.programs[0]}{at}"


_LOCAL_BUILD: Final = "iTrust is built on its host, or comes as a WAR: --war FILE"
MAVEN: Final = Tool("Maven", ("mvn",), "sudo apt-get install maven", _LOCAL_BUILD)
# With JAVA_HOME, Maven takes no other JDK.
JDK: Final = Tool(
    "a JDK", ("javac",), "sudo apt-get install default-jdk-headless", _LOCAL_BUILD, home="JAVA_HOME"
)
CHROMIUM: Final = Tool(
    "Chromium",
    ("chromium", "chromium-browser", "google-chrome"),
    "sudo apt-get install chromium",
    "every command works; tests of pages are skipped",
)


def require(tools: tuple[Tool, ...], what: str) -> None:
    """Raise EnvironmentError_ with the first of `tools` that is missing and that `what` needs."""
    for tool in tools:
        if tool.path is None:
            hint = f"{tool.install}; without it {tool.without}"
            raise EnvironmentError_(f"{what} needs {tool.name}: {tool.absence}", hint=hint)
