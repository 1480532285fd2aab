"""Where things are: the files that travel with the program, where it keeps its state, the user's cache.

This is the only file that works out where the program stands. The files that are no part of the package (deploys,
profiles, services, Vagrantfiles, the verification suite) are found below `ROOT`, laid out alike in both cases:

in a checkout   `ROOT` is the checkout, and the state is in ROOT/.pipeline and ROOT/.vagrant
installed       `ROOT` is the folder `shipped` within the package, which is only read: it may belong to root. The
                state is in .pipeline and .vagrant of the working directory.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipeline.base.errors import EnvironmentError_

__all__ = [
    "CACHE",
    "DEPLOYS",
    "INSTALLED",
    "ISOLATED",
    "PROFILES",
    "ROOT",
    "SERVICES",
    "log_file",
    "state_directory",
    "typed",
    "workplace",
]

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_SHIPPED: Final = _PACKAGE / "shipped"  # only a wheel has it: pyproject.toml says what goes there

INSTALLED: Final = _SHIPPED.is_dir()
ROOT: Final = _SHIPPED if INSTALLED else _PACKAGE.parent
# What makes a child `python -m MODULE` take the module that is installed, and no folder of that name where the user is.
ISOLATED: Final = ("-P",) if INSTALLED else ()

DEPLOYS: Final = ROOT / "deploys"
PROFILES: Final = ROOT / "profiles"
SERVICES: Final = ROOT / "services"

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pipeline"


def workplace() -> Path:
    """Whose lab and state is used: the checkout's, or the working directory's when installed.

    Two of them have two labs: the names and addresses of the hosts follow from this path.
    """
    return Path.cwd() if INSTALLED else ROOT


def state_directory() -> Path:
    """The workplace's own state (lock, lab addresses, logs), made when absent.

    Raises EnvironmentError_ where the workplace is another user's: what this one did there would be seen by neither.
    """
    place = workplace()
    path = place / ".pipeline"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except PermissionError:
        raise _not_ours(place) from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise _not_ours(place)
    return path


def _not_ours(place: Path) -> EnvironmentError_:
    with contextlib.suppress(OSError, KeyError):
        if place.stat().st_uid != os.getuid():
            owner = pwd.getpwuid(place.stat().st_uid).pw_name
            what = "work in a directory of your own" if INSTALLED else "work in a checkout of your own"
            return EnvironmentError_(
                f"{place} belongs to {owner}: hosts, locks and logs of yours cannot be kept there",
                hint=f"{what}, or: sudo -u {owner} ...",
            )
    return EnvironmentError_(
        f"{place}: .pipeline cannot be written", hint=f"ls -lad {place} {place}/.pipeline"
    )


def typed(hint: str) -> str:
    """A hint as it is to be typed here. Hints name the files of a checkout, and its way to install packages."""
    if not INSTALLED:
        return hint
    packages = (
        f"grep -v '^#' {ROOT}/bootstrap/packages-lxc.txt | xargs sudo apt-get install --no-install-recommends"
    )
    hint = re.sub(r"(?<![\w/])(docs/|inventories/|prod\.example\.yml)", rf"{ROOT}/\1", hint)
    return hint.replace("make setup", packages)


def log_file(what: str, host: str) -> Path:
    """A new log's path, in the workplace's own state."""
    directory = state_directory() / "deploys"
    directory.mkdir(mode=0o700, exist_ok=True)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return directory / f"{now}-{what}-{re.sub(r'[^A-Za-z0-9._-]+', '-', host)[:60]}.log"
