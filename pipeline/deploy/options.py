"""What a deploy was asked for, and whether that goes together."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import UsageError
from pipeline.base.text import reason_of
from pipeline.deploy.applications import Application

__all__ = ["Options", "check_war"]

_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `pipeline deploy`; None or empty where one was not given. Raises UsageError when they clash."""

    application: Application
    inventory: Path
    repo: str | None = None
    ref: str | None = None
    war: Path | None = None
    build: str | None = None
    environment: str | None = None
    rollback: bool = False
    dry_run: bool = False
    limit: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        app = self.application
        given = [name for name in ("repo", "ref", "war", "build") if getattr(self, name) is not None]
        for name in ("war", "build"):
            if name in given and name not in app.only:
                raise UsageError(f"--{name} is not for {app.name}", hint="pipeline deploy --help")
        if self.rollback and given:
            raise UsageError(
                f"--rollback takes what is on the hosts: --{given[0]} does not go with it",
                hint="leave one of them out",
            )
        if self.war is not None and len(given) > 1:
            other = next(name for name in given if name != "war")
            raise UsageError(
                f"--war is a finished build: --{other} does not go with it", hint="leave one of them out"
            )
        if self.war is not None:
            check_war(self.war, "--war")
        if self.environment is not None and not _ENVIRONMENT.fullmatch(self.environment):
            raise UsageError(
                f"--environment {self.environment!r} is no name: letters, digits, '.', '_' and '-'"
            )


def check_war(path: Path, where: str) -> None:
    """Raises UsageError, beginning with `where`, for a file that cannot be a WAR."""
    try:
        with zipfile.ZipFile(path) as war:
            if not any(name.startswith("WEB-INF/") for name in war.namelist()):
                raise UsageError(f"{where} {path}: is no WAR: it has no WEB-INF")
    except OSError as error:
        raise UsageError(f"{where} {path}: cannot be read: {reason_of(error)}") from None
    except zipfile.BadZipFile:
        raise UsageError(f"{where} {path}: is no WAR (not a zip file), or it is damaged") from None
