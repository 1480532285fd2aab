"""Shell scripts of `templates/`, given their variables and run through standard input of `sh`."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.places import TEMPLATES

__all__ = ["Script", "ensured", "script"]


class Script(str):
    r"""A text that is never printed: pyinfra -v shows what a fact was asked with, its standard input included.

    It ends with a line break, without which pyinfra would build another text of it.

    >>> f"{Script('password=hunter2')}", Script("a")[:] == "a\n"
    ('<a script>', True)
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Script:
        return super().__new__(cls, text if text.endswith("\n") else text + "\n")

    def __format__(self, _: str) -> str:
        return "<a script>"

    __str__ = __repr__ = lambda self: format(self)


def script(*names: str, **variables: object) -> Script:
    r"""The text of `templates/NAME.sh` for each name, after assignments of `variables`; each defines functions.

    The last file's `main` is what runs, and only if all of the text arrived: a connection that breaks half-way
    leaves an unfinished function, never a half-run script. Give it to `sh -s` as `_stdin`: what the variables
    hold is then in no argv and in no file. A value is never expanded by the shell.

    >>> script(a="it's $5").splitlines()
    ['run() {', 'a=\'it\'"\'"\'s $5\'', 'main </dev/null', '}', 'run']
    """
    lines = ["run() {"]
    for name, value in variables.items():
        text = str(value)
        if not name.isidentifier() or "\0" in text:
            raise DeployError(f"{name}: not a shell variable, or its value holds a NUL")
        lines.append(f"{name}={shlex.quote(text)}")
    lines += [(TEMPLATES / f"{name}.sh").read_text(encoding="utf-8").rstrip("\n") for name in names]
    # Not the rest of this text: a program that reads its standard input must find nothing there.
    return Script("\n".join([*lines, "main </dev/null", "}", "run"]))


def ensured(*names: str, act: str, same: str, **variables: object) -> Generator[StringCommand, None, None]:
    """The commands of an operation whose script both looks (mode=check) and acts, so that the two agree.

    Args:
        names: As for `script`.
        act: The mode in which the script puts things right. In mode check it prints something where all is well.
        same: What pyinfra is told where all is well.
        variables: As for `script`; `mode` is added to them.
    """
    if host.get_fact(Command, "sh -s", _stdin=script(*names, **variables, mode="check")):
        host.noop(same)
        return
    yield StringCommand("sh", "-s", _stdin=script(*names, **variables, mode=act))
