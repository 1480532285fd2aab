"""iTrust2 on a host: how its release is made, the secrets inside it, and the first users in its database."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

import bcrypt
from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.scripts import Script, ensured, script
from deploys.software import maven, war
from deploys.software.mariadb import DATABASE, USER

__all__ = [
    "ROLES",
    "initial_users",
    "install_script",
    "properties",
    "sealed",
    "secret_names",
    "secrets_inside",
    "statements",
]

# One user for each role, as upstream's HibernateDataGenerator names them; it also makes users for tests, and drops all
# tables first. Whoever logs in as admin makes the rest: users, hospitals, drugs, codes.
ROLES: Final = {
    "admin": "ROLE_ADMIN",
    "hcp": "ROLE_HCP",
    "patient": "ROLE_PATIENT",
    "er": "ROLE_ER",
    "labtech": "ROLE_LABTECH",
    "bobbyOD": "ROLE_OD",
    "robortOPH": "ROLE_OPH",
}

# As upstream's template has it, but for the time zone, which must be MariaDB's own: with the template's EST a lock-out
# after wrong passwords, whose age iTrust2 compares with NOW(), would be five hours old from its first second.
_URL: Final = (
    f"jdbc:mysql://127.0.0.1:3306/{DATABASE}?useSSL=false&allowPublicKeyRetrieval=true&serverTimezone=UTC"
)
# The mark that the first users were loaded stands in their database: it goes and comes back with it.
_USERS_LOADED: Final = f"SELECT 'done' FROM {DATABASE}.pipeline_done WHERE what = 'initial users';"  # noqa: S608 constants
_BCRYPT_BYTES: Final = 72  # of a password; BCrypt looks at no more, and the library refuses more


def install_script(tree: str) -> Script:
    """What makes `webapp` in the release's directory `tree`, run there by the user itrust."""
    return script(
        "itrust_install",
        tree=tree,
        opens=war.OPENS,
        skips=" ".join(war.SKIPS),
        seconds=war.BUILD_SECONDS,
        maven=Path(maven.__file__).read_text(encoding="utf-8"),
    )


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
    database = {"url": _URL, "username": USER, "password": secrets["itrust_db_password"]}
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
    yield from ensured(
        "itrust_seal",
        act="seal",
        same="the release is closed, with the secrets inside",
        tree=tree,
        classes=f"{tree}/WEB-INF/classes",
        **secrets_inside(secrets),
    )


def secret_names() -> dict[str, str]:
    """The secret that is each user's password, by user: upstream's own password for all of them is well known."""
    return {user: f"itrust_{user.lower()}_password" for user in ROLES}


def statements(secrets: Mapping[str, str], rounds: int = 10) -> str:
    """SQL that loads the users into a database where there are none, unless it was done before; else only marks it.

    One transaction. The passwords are in it as BCrypt only, of the form ($2a$) that Spring Security 4 knows.
    """
    rows = []
    for user, secret in secret_names().items():
        password = secrets[secret].encode()[:_BCRYPT_BYTES]
        hashed = bcrypt.hashpw(password, bcrypt.gensalt(rounds, prefix=b"2a")).decode()
        rows.append(
            f"SELECT '{user}' AS username, '{hashed}' AS password, 1 AS enabled, '{ROLES[user]}' AS role"
        )
    return f"""USE {DATABASE};
CREATE TABLE IF NOT EXISTS pipeline_done (what VARCHAR(64) PRIMARY KEY, at DATETIME NOT NULL) ENGINE=InnoDB;
START TRANSACTION;
INSERT IGNORE INTO pipeline_done VALUES ('initial users', UTC_TIMESTAMP());
SET @first = ROW_COUNT();
SET @users = (SELECT COUNT(*) FROM Users);
INSERT INTO Users (username, password, enabled, role)
SELECT * FROM ({" UNION ALL ".join(rows)}) AS initial WHERE @first = 1 AND @users = 0;
COMMIT;
"""  # noqa: S608 names of ours, roles of ours, and BCrypt's alphabet


@operation()
def initial_users(secrets: Mapping[str, str]) -> Generator[StringCommand, None, None]:
    """Load the first users once iTrust2 made its tables. A database that has users, or had them, is left alone."""
    if host.get_fact(Command, "sh -s", _stdin=script("mariadb_sql", sql=_USERS_LOADED, quiet="yes")):
        host.noop("the first users were loaded")
        return
    # BCrypt takes its time: not where pyinfra only looks for what would change.
    sql = statements(secrets) if host.state.is_executing else ""
    yield StringCommand("sh", "-s", _stdin=script("mariadb_sql", sql=sql, quiet=""))
