"""iTrust's release on a host: how it is made from sources or a WAR, and the secrets inside it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from io import StringIO
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys import mariadb, war
from deploys.scripts import script

__all__ = ["install_script", "properties", "sealed"]

# As upstream's template has it, but for the time zone, which must be MariaDB's own: with the template's EST a lock-out
# after wrong passwords, whose age iTrust2 compares with NOW(), would be five hours old from its first second.
URL: Final = f"jdbc:mysql://127.0.0.1:3306/{mariadb.DATABASE}?useSSL=false&allowPublicKeyRetrieval=true&serverTimezone=UTC"


def install_script(tree: str) -> str:
    """What makes `webapp` in the release's directory `tree`, run there by the user itrust."""
    return script("itrust_install", tree=tree, opens=war.OPENS, skips=" ".join(war.SKIPS))


def properties(content: Mapping[str, str]) -> str:
    r"""A Java .properties file (ISO 8859-1, with escapes), so that each value is read as it is here.

    >>> print(properties({"password": " a\\b=ü€"}), end="")
    password=\ a\\b=\u00fc\u20ac
    """
    lines = []
    for name, value in content.items():
        text = value.replace("\\", "\\\\")
        if text.startswith(" "):
            text = "\\" + text
        units = text.encode("utf-16-be")
        codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
        value = "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)
        lines.append(f"{name}={value}\n")
    return "".join(lines)


def secrets_inside(secrets: Mapping[str, str]) -> dict[str, str]:
    """The texts of db.properties (`db`) and email.properties (`email`), from the environment's secrets."""
    database = {"url": URL, "username": mariadb.USER, "password": secrets["itrust_db_password"]}
    # Without a mail server iTrust2 fails to send and goes on; without the file, locking an account fails.
    mail = {
        "username": secrets.get("itrust_mail_username", ""),
        "password": secrets.get("itrust_mail_password", ""),
        "host": secrets.get("itrust_mail_host", "localhost"),
    }
    return {"db": properties(database), "email": properties(mail)}


@operation()
def sealed(identifier: str, secrets: Mapping[str, str]) -> Generator[StringCommand, None, None]:
    """The release belongs to root, is closed to others, and has the environment's secrets inside.

    Not a part of installing it: a release that is gone back to gets the passwords of today, and a changed password
    needs no build.
    """
    tree = f"/srv/itrust/releases/{identifier}/webapp"

    def text(mode: str) -> str:
        return script(
            "itrust_seal", tree=tree, classes=f"{tree}/WEB-INF/classes", mode=mode, **secrets_inside(secrets)
        )

    # A text file, not text: with -v pyinfra prints what a fact is given.
    if host.get_fact(Command, "sh -s", _stdin=StringIO(text("check"))):
        host.noop("the release is closed, with the secrets inside")
        return
    yield StringCommand("sh", "-s", _stdin=text("seal"))
