"""A MongoDB server that is there already, as its URI; knows nothing of pyinfra.

checkbox.io writes its own URI, from parts and without escaping:
mongodb://USER:PASSWORD@IP:PORT/site?authSource=admin. So only a URI that means the same will do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Server", "UriError", "server_of"]

# A user and a password stay percent-encoded: that is how checkbox.io must have them for the URI it writes.
_USERINFO = r"(?P<user>[A-Za-z0-9._~!$&'()*+,;=%-]+):(?P<password>[A-Za-z0-9._~!$&'()*+,;=%-]+)"
_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_URI = re.compile(
    rf"mongodb://{_USERINFO}@{_HOST}(?::(?P<port>\d{{1,5}}))?(?:/(?P<database>\w*))?(?:\?(?P<options>.*))?"
)
_SHAPE = "mongodb://USER:PASSWORD@HOST:PORT/site?authSource=admin"


class UriError(Exception):
    """One line without the URI, which holds a password."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and who may use its database `site`. `user` and `password` as they stand in a URI."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


def server_of(uri: str) -> Server:
    """The parts of `uri`, or UriError where checkbox.io could not reach what it means.

    >>> server_of("mongodb://app:s%40crt@db.example.org/site?authSource=admin")
    Server(host='db.example.org', port=27017, user='app')
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise UriError(f"not of the shape {_SHAPE} (one host, no mongodb+srv)")
    port = int(match["port"] or 27017)
    if not 0 < port < 65536:
        raise UriError(f"port {port} is none")
    if match["database"] not in (None, "", "site", "admin"):
        raise UriError("its database is not 'site', the only one that checkbox.io uses")
    # Without the option a user belongs to the database named in the path; to admin where none is named.
    if match["options"] not in (None, "", "authSource=admin") or (
        match["database"] == "site" and not match["options"]
    ):
        raise UriError("its options must be authSource=admin and no other: checkbox.io has no place for them")
    return Server(match["host"], port, match["user"], match["password"])
