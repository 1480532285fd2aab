"""The exporter's user of MongoDB, looked at or made. Runs on the host as root: `python3 -`, parameters as JSON.

`change`: false looks only. `file`: what the exporter reads (mongodb_exporter.py); `group`: whose it is to read.
`admin`: the file with the admin's password. The exporter's password is made here and is nowhere else. Prints `same`
or `changed`.
"""

import grp
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from pymongo import MongoClient  # type: ignore[import-not-found] # a package of the host, not of this project
from pymongo.errors import OperationFailure, PyMongoError  # type: ignore[import-not-found]

USER = "exporters"
# It sees figures of the server, and no document.
ROLES = [{"role": "clusterMonitor", "db": "admin"}]
SERVER = ("127.0.0.1", 27017)


def client(user: str, password: str) -> Any:
    return MongoClient(
        *SERVER,
        username=user,
        password=password,
        authSource="admin",
        directConnection=True,
        serverSelectionTimeoutMS=10000,
    )


def kept(file: Path, group: str) -> dict[str, Any]:
    """What the file holds, if it is nobody else's to read; else nothing."""
    try:
        stat = file.stat()
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    right = (stat.st_mode & 0o7777, stat.st_uid, stat.st_gid) == (0o640, 0, grp.getgrnam(group).gr_gid)
    return content if right and {"host", "port", "user", "password"} <= content.keys() else {}


def works(access: dict[str, Any]) -> bool:
    if not access:
        return False
    try:
        client(access["user"], access["password"]).admin.command("serverStatus")
    except OperationFailure:
        return False
    return True


def make(file: Path, group: str, admin: Path) -> None:
    password = secrets.token_urlsafe(24)
    connection = client("admin", admin.read_text(encoding="utf-8").strip())
    known = connection.admin.command("usersInfo", USER)["users"]
    connection.admin.command("updateUser" if known else "createUser", USER, pwd=password, roles=ROLES)
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as target:
        json.dump({"host": SERVER[0], "port": SERVER[1], "user": USER, "password": password}, target)
        os.fchown(target.fileno(), 0, grp.getgrnam(group).gr_gid)
        os.fchmod(target.fileno(), 0o640)
    new.replace(file)


def main(given: dict[str, Any]) -> str:
    file = Path(given["file"])
    try:
        if works(kept(file, given["group"])):
            return "same"
        if given["change"]:
            make(file, given["group"], Path(given["admin"]))
    except (PyMongoError, OSError, KeyError) as error:
        sys.exit(f"MongoDB's user for the exporter: {str(error).partition(', Timeout:')[0][:200]}")
    return "changed"


if __name__ == "__main__":
    print(main(json.load(sys.stdin)))
