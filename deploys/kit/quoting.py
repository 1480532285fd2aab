"""Text from a profile, made safe for the file it goes into."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from pyinfra.api.exceptions import DeployError

__all__ = [
    "environment_file",
    "haproxy_address",
    "haproxy_path",
    "haproxy_word",
    "install_script",
    "systemd_command",
]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Between double quotes these keep their meaning both in sh and in a systemd EnvironmentFile.
_SPECIAL = re.compile(r'([\\"$`])')


def environment_file(environment: Mapping[str, object]) -> str:
    r"""Lines that `sh` sources and that systemd reads as EnvironmentFile=, alike.

    >>> print(environment_file({"A": 'say "$5"'}), end="")
    A="say \"\$5\""
    """
    lines = []
    for name, value in environment.items():
        text = str(value)
        if not _VARIABLE.fullmatch(name):
            raise DeployError(f"environment: {name!r} is no variable name")
        if any(ord(c) < 32 and c != "\t" for c in text):
            raise DeployError(f"environment: the value of {name} has a line break or a control character")
        escaped = _SPECIAL.sub(r"\\\1", text)
        lines.append(f'{name}="{escaped}"\n')
    return "".join(lines)


def systemd_command(argv: Sequence[str], directory: str) -> str:
    r"""The value of ExecStart= that runs exactly `argv`; a relative program is found in `directory`.

    systemd expands % and $, and splits on blanks: nothing of the sort happens to what is written here.

    >>> systemd_command(["node", "a b.js", "100%", "$HOME"], "/srv/x")
    '"node" "a b.js" "100%%" "$$HOME"'
    >>> systemd_command([".venv/bin/python", "app.py"], "/srv/x")
    '"/srv/x/.venv/bin/python" "app.py"'
    """
    if not argv:
        raise DeployError("start: the command is empty")
    program = str(argv[0])
    # The first word has prefixes of its own (- @ : + !) and no way to write a $.
    if not re.fullmatch(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*", program):
        raise DeployError(f"start: {program!r} cannot be a program's name in a systemd unit")
    if "/" in program and not program.startswith("/"):
        program = f"{directory}/{program.removeprefix('./')}"
    return " ".join(_systemd_word(word) for word in [program, *map(str, argv[1:])])


def _systemd_word(word: str) -> str:
    if "\0" in word:
        raise DeployError("start: an argument holds a NUL")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"' + escaped.replace("\n", "\\n") + '"'


def haproxy_address(address: object, what: str) -> str:
    """`address` if it is host:port, which needs no quoting in haproxy.cfg."""
    match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\]):(\d{1,5})", str(address))
    if not match or not 0 < int(match[2]) < 65536:
        raise DeployError(f"{what}: {address!r} is not address:port")
    return str(address)


def haproxy_path(path: object) -> str:
    """`path` if it is one (RFC 3986, 3.3): no space and no control character, so that it is one word in a map."""
    if not re.fullmatch(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", str(path)):
        raise DeployError(f"public_path: {path!r} is not a path such as /preview (a space is %20)")
    return str(path)


def haproxy_word(text: str) -> str:
    r"""`text` as one word of haproxy.cfg, in which nothing is expanded.

    >>> print(haproxy_word("/it's/$HOME"))
    '/it'\''s/$HOME'
    """
    return "'" + text.replace("'", "'\\''") + "'"


def install_script(install: Sequence[Sequence[str]], directory: str, environment: str) -> str:
    r"""A POSIX shell script that runs the commands of `install` in `directory`, up to the first that fails.

    Each says its own command first, so that a failure shows whose it was. `environment` is the path of an
    environment file. No word of a command is expanded by the shell.

    >>> print(install_script([["npm", "install", "a"]], "/srv/x", "/srv/env"), end="")
    set -eu
    set -a; . /srv/env; set +a
    cd /srv/x
    printf '%s\n' '+ npm install a'
    npm install a
    """
    lines = ["set -eu", f"set -a; . {shlex.quote(environment)}; set +a", f"cd {shlex.quote(directory)}"]
    for argv in install:
        if not argv:
            raise DeployError("install: a command is empty")
        command = shlex.join(map(str, argv))
        lines += [f"printf '%s\\n' {shlex.quote('+ ' + command)}", command]
    return "\n".join(lines) + "\n"
