"""The applications that can be deployed: their names, as people write them, and what is taken when nothing is said."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import UsageError
from pipeline.base.facts import APPLICATIONS as FACTS
from pipeline.base.places import DEPLOYS

__all__ = ["APPLICATIONS", "Application", "find_application", "same_name"]

# What every deploy reads from a host's data, and so what an inventory may set (docs/deploys.md).
_DATA = ("archive", "commit", "repo", "ref", "environment", "secrets_directory", "rollback", "listen")


@dataclass(frozen=True, slots=True)
class Application:
    """One application that can be deployed; deploys/facts.yml says what `name` to `makes` mean.

    `key` is its group in an inventory, its user on a host and its file in deploys/. `also` are more spellings of
    its name. `processor` is the only one that it runs on, as uname has it; empty: any. `only` names the options and
    data that no other application has.
    """

    key: str
    name: str
    repository: str
    ref: str
    listen: int
    page: str
    memory: int
    disk: int
    tree: tuple[str, ...]
    processor: str = ""
    makes: str = ""
    also: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Its deploy."""
        return DEPLOYS / f"{self.key}.py"

    @property
    def data(self) -> tuple[str, ...]:
        """The names of the data that its deploy reads."""
        return (*_DATA, *self.only)


def _application(key: str, *, also: tuple[str, ...], only: tuple[str, ...] = ()) -> Application:
    facts = dict(FACTS[key])
    del facts["slots"], facts["health"]  # nobody needs them away from the host
    return Application(key, **{**facts, "tree": tuple(facts.get("tree", ()))}, also=also, only=only)


APPLICATIONS = (
    _application("checkbox", also=("checkboxio",)),
    _application("itrust", also=("itrust2",), only=("war", "build")),
)


def same_name(text: str) -> str:
    """A name without what people write differently: case, dots, dashes, blanks.

    >>> same_name("Checkbox.IO")
    'checkboxio'
    """
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def find_application(text: str, command: str = "deploy") -> Application:
    """The application that `text` names. Raises UsageError with the one that was probably meant.

    `command` is the one whose help is to be read then.

    >>> [find_application(name).name for name in ("Checkbox", "checkbox.io", "iTrust2", "ITRUST")]
    ['checkbox.io', 'checkbox.io', 'iTrust', 'iTrust']
    """
    known = {name: app for app in APPLICATIONS for name in (app.key, same_name(app.name), *app.also)}
    if app := known.get(same_name(text)):
        return app
    close = difflib.get_close_matches(same_name(text), known, 1)
    names = " and ".join(app.name for app in APPLICATIONS)
    guess = f"; did you mean {known[close[0]].name}?" if close else f"; there is {names}"
    raise UsageError(f"there is no application {text!r}{guess}", hint=f"pipeline {command} --help")
