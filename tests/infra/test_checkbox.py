"""A host that carries checkbox.io, as it must be: run with --hosts, see conftest.py."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from account_checks import AccountChecks
from application import CHECKBOX, Application
from connection import Outside
from host_checks import HostChecks
from nginx_checks import NginxChecks
from shell import output
from slot_checks import SlotChecks

APPLICATION = CHECKBOX
MEGABYTE = 1_000_000

# Asks as nobody, then as the application (its own environment file says who that is): nothing secret in argv.
MONGO = """
import json, glob, re, sys
from pymongo import MongoClient
from pymongo.errors import OperationFailure
def asked(what):
    try:
        return what()
    except OperationFailure as error:
        return {"code": error.code}
text = open(f"/srv/checkbox/slots/{sys.argv[1]}/environment").read()
own = dict(re.findall(r'(?m)^(\\w+)="?([^"\\n]*)"?$', text))
where = dict(host="127.0.0.1", port=27017, serverSelectionTimeoutMS=5000)
nobody = MongoClient(**where)
one = MongoClient(**where, username=own["MONGO_USER"], password=own["MONGO_PASSWORD"], authSource="admin")
rights = asked(lambda: one.admin.command("connectionStatus"))
print(json.dumps({
    "databases": asked(lambda: nobody.list_database_names()),
    "studies": asked(lambda: nobody.site.studies.count_documents({})),
    "own": asked(lambda: one.site.list_collection_names()),
    "foreign": asked(lambda: one.admin.system.users.count_documents({})),
    "roles": rights.get("authInfo", {}).get("authenticatedUserRoles"),
}))
"""
UNAUTHORIZED = {"code": 13}


class TestHost(HostChecks):
    pass


class TestAccounts(AccountChecks):
    def test_release(self, host: Any, app: Application) -> None:
        """The application cannot change the code that runs."""
        found = output(
            host, f"find {app.home}/current/ ! -type l '(' ! -user root -o -perm /022 ')' -print -quit"
        )
        assert not found, f"{found} does not belong to root alone"


class TestSlots(SlotChecks):
    pass


class TestNginx(NginxChecks):
    pass


@pytest.mark.usefixtures("own_database")
class TestMongoDB:
    def test_configuration(self, host: Any) -> None:
        """mongod's configuration is accepted, demands passwords and binds to loopback."""
        shown = output(host, "mongod --config /etc/mongod.conf --outputConfig")
        assert "authorization: enabled" in shown, "authorization is not enabled"
        assert "bindIp: 127.0.0.1\n" in f"{shown}\n", "bindIp is not 127.0.0.1"

    def test_modes(self, host: Any) -> None:
        """The database's files belong to it and are closed to others."""
        found = output(host, "find /var/lib/mongodb -maxdepth 0 ! -user mongodb -o -maxdepth 0 -perm /o+rwx")
        found += output(host, "find /var/lib/mongodb ! -user mongodb -print -quit")
        assert not found, f"{found.splitlines()[0]}: wrong owner or mode"

    def test_rights(self, host: Any, live_port: int) -> None:
        """MongoDB refuses without a password; the application may read and write its own database only."""
        asked = json.loads(output(host, "python3 -c %s %s", MONGO, str(live_port)))
        assert asked["databases"] == UNAUTHORIZED, "the databases are listed without a password"
        assert asked["studies"] == UNAUTHORIZED, "studies are read without a password"
        assert isinstance(asked["own"], list), f"the application cannot read its database: {asked['own']}"
        assert asked["foreign"] == UNAUTHORIZED, "the application reads the users of others"
        assert asked["roles"] == [{"role": "readWrite", "db": "site"}], f"its roles: {asked['roles']}"


class TestSite:
    def test_listing(self, outside: Outside) -> None:
        """The list of studies comes as JSON from the database."""
        answer = outside.get("/api/study/listing")
        assert answer.status == 200, f"GET /api/study/listing is {answer.status or answer.text}"
        assert answer.headers.get("content-type", "").startswith("application/json"), "it is no JSON"
        assert "studies" in json.loads(answer.body), f"it begins {answer.text[:40]!r}"

    def test_page(self, host: Any, outside: Outside) -> None:
        """The start page is the one of the current release, byte for byte."""
        wanted = output(host, "sha256sum /srv/checkbox/current/public_html/index.html").split()[0]
        served = hashlib.sha256(outside.get("/").body).hexdigest()
        assert served == wanted, "GET / is not public_html/index.html of the current release"

    def test_program_is_not_served(self, outside: Outside) -> None:
        """The server's own program and packages are not served."""
        for path in (
            "/server-side/site/server.js",
            "/../server-side/site/server.js",
            "/server.js",
            "/package.json",
        ):
            answer = outside.get(path)
            assert answer.status, answer.text
            told = "require(" in answer.text or '"dependencies"' in answer.text
            assert not told, f"GET {path} is served"

    def test_body_limit(self, outside: Outside) -> None:
        """A body of 19 MB is taken, one of 21 MB is refused before it is sent."""
        taken, refused = (outside.announce("/api/study/create", size * MEGABYTE) for size in (19, 21))
        assert taken == 100, f"19 MB: {taken or 'no answer'}"
        assert refused == 413, f"21 MB: {refused or 'no answer'}"
