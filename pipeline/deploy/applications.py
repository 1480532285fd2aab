"""The applications that can be deployed: their names, as people write them, and what is taken when nothing is said."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import UsageError
from pipeline.base.places import DEPLOYS

__all__ = ["APPLICATIONS", "Application", "find_application", "same_name"]

# What every deploy reads from a host's data, and so what an inventory may set (docs/deploys.md).
DATA = ("archive", "commit", "repo", "ref", "environment", "secrets_directory", "rollback", "listen")


@dataclass(frozen=True, slots=True)
class Application:
    """One application. `key` is its group in an inventory, its user on a host and its file in deploys/.

    `memory` and `disk` are the least a host must have, in MB: all of its memory, and what is free below /srv.
    `listen` is nginx's port and `page` what to open there. `only` names the options and data that no other
    application has.
    """

    name: str
    key: str
    ref: str
    memory: int
    disk: int
    listen: int
    page: str = "/"
    also: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Its deploy."""
        return DEPLOYS / f"{self.key}.py"

    @property
    def data(self) -> tuple[str, ...]:
        """The names of the data that its deploy reads."""
        return (*DATA, *self.only)


# Memory: what a host sold as 512 MB (mongod, node, npm) or 1 GB (Tomcat, MariaDB, Maven) shows of it.
APPLICATIONS = (
    Application("checkbox.io", "checkbox", "master", memory=450, disk=1000, listen=80, also=("checkboxio",)),
    Application(
        "iTrust", "itrust", "v6", memory=900, disk=1500, listen=8080, page="/iTrust2/login",
        also=("itrust2",), only=("war", "build"),
    ),
)  # fmt: skip


def same_name(text: str) -> str:
    """A name without what people write differently: case, dots, dashes, blanks.

    >>> same_name("Checkbox.IO")
    'checkboxio'
    """
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def find_application(text: str) -> Application:
    """The application that `text` names. Raises UsageError with the one that was probably meant.

    >>> [find_application(name).name for name in ("Checkbox", "checkbox.io", "iTrust2", "ITRUST")]
    ['checkbox.io', 'checkbox.io', 'iTrust', 'iTrust']
    """
    known = {name: app for app in APPLICATIONS for name in (app.key, same_name(app.name), *app.also)}
    if app := known.get(same_name(text)):
        return app
    close = difflib.get_close_matches(same_name(text), known, 1)
    names = " and ".join(app.name for app in APPLICATIONS)
    guess = f"; did you mean {known[close[0]].name}?" if close else f"; there is {names}"
    raise UsageError(f"there is no application {text!r}{guess}", hint="pipeline deploy --help")
