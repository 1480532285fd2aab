"""MariaDB on a host, for iTrust: on loopback, its own database, and a user with rights on nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from deploys.kit.scripts import ensured

__all__ = ["DATABASE", "PACKAGES", "USER", "database", "password_hash", "server"]

PACKAGES: Final = ("mariadb-server",)
DATABASE: Final = "iTrust2"
USER: Final = "itrust"
_PATIENCE: Final = 120  # seconds; after a crash MariaDB first repairs its files

# 90: read after Debian's own 50-server.cnf.
_FILE: Final = "/etc/mysql/mariadb.conf.d/90-pipeline-itrust.cnf"
_CONFIGURATION: Final = """\
# Written by deploys/software/mariadb.py; changes made here are lost.
[mariadbd]
bind-address = 127.0.0.1
skip-name-resolve
# What iTrust2 is told about its times, whatever the host's own zone is.
default-time-zone = '+00:00'
# iTrust2 keeps connections, and does not look whether they still are: a quiet weekend must not end them.
wait-timeout = 2147483
"""


def password_hash(password: str) -> str:
    """What MariaDB keeps of a password (mysql_native_password), so that no statement holds the password itself.

    >>> password_hash("password")
    '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'
    """
    # MariaDB's choice, and the only one that iTrust2's Connector/J of 2018 and MariaDB share.
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


@operation()
def server() -> Generator[StringCommand, None, None]:
    """MariaDB runs with our configuration, starts with the host, and answers."""
    yield from ensured(
        "mariadb_server",
        act="run",
        same="MariaDB runs",
        file=_FILE,
        content=_CONFIGURATION,
        patience=_PATIENCE,
    )


@operation()
def database(password: str) -> Generator[StringCommand, None, None]:
    """The database, and its user with exactly this password and exactly all rights on it. No data is touched.

    Done as root over MariaDB's UNIX socket, with statements that come through standard input.
    """
    yield from ensured(
        "mariadb_database",
        act="make",
        same="the database and its user are there",
        database=DATABASE,
        user=USER,
        hash=password_hash(password),
        patience=_PATIENCE,
    )
