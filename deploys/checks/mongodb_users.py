"""MongoDB's users, looked at or put right. Runs on the host: `python3 -`, parameters as JSON on standard input.

`change`: false looks only. `app`: `host`, `port`, `user`, `password` of the application; both as in a URI.
`admin`: null for a server that is somebody else's, which is only asked whether it lets the application in; else
`user`, `password` and `file`, a file for root alone that holds the admin's password as it is now: with it, lost or
renewed secrets are put right. Prints `same` or `changed` as its last line; ends with 1 and one line otherwise.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pymongo import MongoClient  # type: ignore[import-not-found] # a package of the host, not of this project
from pymongo.errors import OperationFailure, PyMongoError  # type: ignore[import-not-found]

DATABASE = "site"
ROLES = [{"role": "readWrite", "db": DATABASE}]
WAIT = 10000  # milliseconds


def client(address: tuple[str, int], user: str = "", password: str = "") -> Any:
    """A connection to this one server, with one password check; OperationFailure when it is refused."""
    login = {"username": user, "password": password, "authSource": "admin"} if user else {}
    found = MongoClient(address[0], address[1], directConnection=True, serverSelectionTimeoutMS=WAIT, **login)
    # Not a command that everybody may give: one that needs the log-in.
    found.admin.command("ping") if user else found.admin.command("hello")
    return found


def allowed(address: tuple[str, int], user: str, password: str) -> Any:
    """A connection as this user, or None when the server does not let it in."""
    try:
        return client(address, user, password)
    except OperationFailure:
        return None


def administrator(address: tuple[str, int], admin: dict[str, str], change: bool) -> tuple[Any, bool]:
    """A connection as the admin with the wanted password, and whether that was so before; None if not and no change."""
    found = allowed(address, admin["user"], admin["password"])
    if found is not None:
        return found, kept(admin["file"]) == admin["password"]
    if not change:
        return None, False
    former = kept(admin["file"])
    found = allowed(address, admin["user"], former) if former else None
    try:
        if found is not None:
            found.admin.command("updateUser", admin["user"], pwd=admin["password"])
        else:
            # MongoDB lets anybody on loopback make the first user, and nobody once there is one.
            roles = [{"role": "root", "db": "admin"}]
            client(address).admin.command("createUser", admin["user"], pwd=admin["password"], roles=roles)
    except OperationFailure:
        sys.exit(
            f"MongoDB's admin password is neither that of the secrets nor that of {admin['file']}: "
            "write the right one into that file"
        )
    return client(address, admin["user"], admin["password"]), False


def kept(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read().strip() if os.fstat(file.fileno()).st_mode & 0o177 == 0 else ""
    except FileNotFoundError:
        return ""


def keep(path: str, password: str) -> None:
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(password + "\n")
        os.fsync(file.fileno())
    Path(new).replace(path)


def application(connection: Any, address: tuple[str, int], app: dict[str, Any], change: bool) -> bool:
    """Whether the application's user was as it should be; it is afterwards, if `change`."""
    (found,) = connection.admin.command("usersInfo", app["user"])["users"] or [None]
    if found and found["roles"] == ROLES and allowed(address, app["user"], app["password"]) is not None:
        return True
    if change:
        command = "updateUser" if found else "createUser"
        connection.admin.command(command, app["user"], pwd=app["password"], roles=ROLES)
    return False


def main(parameters: dict[str, Any]) -> str:
    app, admin, change = parameters["app"], parameters["admin"], parameters["change"]
    address = (app["host"], app["port"])
    where = f"MongoDB on {address[0]}:{address[1]}"
    app = {**app, "user": unquote(app["user"]), "password": unquote(app["password"])}
    try:
        if admin is None:
            connection = allowed(address, app["user"], app["password"])
            if connection is None:
                sys.exit(f"{where} does not let the user of mongo_uri in (authSource admin)")
            connection[DATABASE].list_collection_names()
            return "same"
        connection, same = administrator(address, admin, change)
        if connection is not None:
            same = application(connection, address, app, change) and same
        if change:
            keep(admin["file"], admin["password"])
        return "same" if same else "changed"
    except PyMongoError as error:
        sys.exit(f"{where}: {str(error).partition(', Timeout:')[0][:200]}")


if __name__ == "__main__":
    print(main(json.load(sys.stdin)), flush=True)
    # At once: the driver's threads look only every half second whether they are to end.
    os._exit(0)
