"""iTrust2's first users, loaded once in the life of its database."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Final

import bcrypt
from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.mariadb import DATABASE
from deploys.scripts import script

__all__ = ["ROLES", "initial_users", "secret_names", "statements"]

# One for each role, as upstream's HibernateDataGenerator names them; it also makes users for tests, and drops all
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

# The mark stands in the database that it is about: it goes and comes back with it.
DONE: Final = f"SELECT 'done' FROM {DATABASE}.pipeline_done WHERE what = 'initial users';"  # noqa: S608 constants


def secret_names() -> dict[str, str]:
    """The secret that is each user's password, by user: upstream's own password for all of them is well known."""
    return {user: f"itrust_{user.lower()}_password" for user in ROLES}


def statements(secrets: Mapping[str, str], rounds: int = 10) -> str:
    """SQL that loads the users into a database where there are none, unless it was done before; else only marks it.

    One transaction. The passwords are in it as BCrypt only, of the form ($2a$) that Spring Security 4 knows.
    """
    rows = []
    for user, secret in secret_names().items():
        password = secrets[secret].encode()
        if len(password) > 72:
            # BCrypt goes no further, and this library refuses it; a password of that length is as good as one of 72.
            password = password[:72]
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
    if host.get_fact(Command, "sh -s", _stdin=script("mariadb_sql", sql=DONE, quiet="yes")):
        host.noop("the first users were loaded")
        return
    # BCrypt takes its time: not where pyinfra only looks for what would change.
    sql = statements(secrets) if host.state.is_executing else ""
    yield StringCommand("sh", "-s", _stdin=script("mariadb_sql", sql=sql, quiet=""))
