"""A host that carries iTrust, as it must be: run with --hosts, see conftest.py."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from account_checks import AccountChecks
from application import ITRUST, Application
from connection import Outside
from host_checks import HostChecks
from nginx_checks import NginxChecks
from shell import output, process
from slot_checks import SlotChecks

APPLICATION = ITRUST

# GET from the host itself, past nginx: prints the status, then the page.
ASK = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=20)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
print(answer.read().decode("utf-8", "replace"))
"""


@pytest.fixture(scope="module")
def base(host: Any, app: Application, live_port: int) -> str:
    """CATALINA_BASE of the live slot, as its process was told."""
    arguments = output(host, "ps -o args= -ww -p %s", process(host, app.unit(live_port)))
    found = re.search(r"-Dcatalina\.base=(\S+)", arguments)
    assert found, "the live slot's process is no Tomcat"
    return found[1]


@pytest.fixture(scope="module")
def server_xml(host: Any, base: str) -> ElementTree.Element:
    """conf/server.xml of the live slot. root wrote it: it is read as trusted."""
    return ElementTree.fromstring(output(host, "cat %s", f"{base}/conf/server.xml"))  # noqa: S314 - root's own file


def sql(host: Any, statement: str) -> list[str]:
    """What MariaDB tells root through its socket, a line a row."""
    return output(host, "mariadb --no-defaults -N -B -e %s", statement).splitlines()


class TestHost(HostChecks):
    pass


class TestAccounts(AccountChecks):
    pass


class TestSlots(SlotChecks):
    pass


class TestNginx(NginxChecks):
    pass


class TestMariaDB:
    def test_configuration(self, host: Any) -> None:
        """MariaDB's configuration is accepted and binds to loopback."""
        # --help reads all options and ends before a table is touched.
        shown = host.run("mariadbd --user=mysql --verbose --help")
        errors = re.findall(r"\[ERROR\] (.*)", shown.stderr)
        assert shown.rc == 0, f"mariadbd: {errors[0] if errors else shown.stderr.strip()}"
        bound = re.findall(r"(?m)^bind-address\s+(\S+)", shown.stdout)
        assert bound == ["127.0.0.1"], f"bind-address is {bound}"

    def test_users(self, host: Any) -> None:
        """There is no anonymous user, and root comes from this host only."""
        rows = sql(host, "SELECT CONCAT(User, '@', Host) FROM mysql.global_priv")
        anonymous = [row for row in rows if row.startswith("@")]
        remote = [row for row in rows if row.split("@")[1] not in ("localhost", "127.0.0.1", "::1", "")]
        assert not anonymous, f"anonymous: {', '.join(anonymous)}"
        assert not remote, f"from elsewhere: {', '.join(remote)}"

    def test_rights(self, host: Any, app: Application) -> None:
        """The application's user has rights on its own database and nowhere else."""
        rows = sql(host, "SELECT User, CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.global_priv")
        users = [user for name, user in (row.split("\t") for row in rows) if name == app.name]
        assert users, f"there is no user {app.name}"
        for user in users:
            grants = [row.split(" TO ")[0] for row in sql(host, f"SHOW GRANTS FOR {user}")]
            elsewhere = [
                row for row in grants if row != "GRANT USAGE ON *.*" and " ON `iTrust2`.* " not in f"{row} "
            ]
            assert not elsewhere, f"{user}: {elsewhere[0]}"
            assert len(grants) > 1, f"{user} has no right on iTrust2"

    def test_password(self, host: Any, app: Application) -> None:
        """MariaDB refuses the application's user without its password."""
        for where in ("--host=127.0.0.1 --protocol=tcp", "--protocol=socket"):
            asked = host.run(f"mariadb --no-defaults --user={app.name} --skip-password {where} -e 'SELECT 1'")
            assert asked.rc != 0, f"let in without a password ({where})"
            assert "Access denied" in asked.stderr, asked.stderr.strip()

    def test_root_is_asked(self, host: Any) -> None:
        """Nobody but root is MariaDB's root."""
        asked = host.run("runuser -u nobody -- mariadb --no-defaults --user=root -e 'SELECT 1'")
        assert asked.rc != 0, "user nobody is let in as MariaDB's root"
        assert "Access denied" in asked.stderr, asked.stderr.strip()

    def test_files(self, host: Any) -> None:
        """The database's files are closed to others."""
        found = output(host, "find /var/lib/mysql -maxdepth 1 -perm /o+w -o -mindepth 1 -type d -perm /o+r")
        assert not found, f"others can get at {found.splitlines()[0]}"


class TestTomcat:
    def test_server_xml(self, server_xml: ElementTree.Element) -> None:
        """server.xml has no shutdown port, and one connector: on loopback."""
        assert server_xml.get("port") == "-1", f"shutdown port {server_xml.get('port')}"
        connectors = [(c.get("address"), c.get("port")) for c in server_xml.iter("Connector")]
        assert len(connectors) == 1, f"connectors: {connectors}"
        assert connectors[0][0] == "127.0.0.1", f"it listens on {connectors[0][0]}"

    def test_deploys_nothing_by_itself(self, server_xml: ElementTree.Element) -> None:
        """Nothing that appears in a directory is deployed."""
        hosts = list(server_xml.iter("Host"))
        assert hosts, "server.xml has no Host"
        for name in ("autoDeploy", "deployOnStartup"):
            assert {host.get(name) for host in hosts} == {"false"}, f"{name} is on"

    def test_applications(self, host: Any, base: str, server_xml: ElementTree.Element) -> None:
        """Only iTrust2 is deployed: no manager, no host-manager, no examples."""
        contexts = [context.get("path") for context in server_xml.iter("Context")]
        assert contexts == ["/iTrust2"], f"server.xml has {contexts}"
        for path in (f"{base}/webapps", f"{base}/conf/Catalina"):
            names = output(host, "ls -A %s 2>/dev/null || true", path).split()
            assert not names, f"{path} has {', '.join(names)}"

    def test_war_is_closed(self, host: Any) -> None:
        """The unpacked WAR can be read by root and the application only, and changed by root only."""
        found = output(
            host,
            "find /srv/itrust/releases/*/webapp ! -type l "
            "\\( -perm /o+rwx -o -perm /g+w -o ! -user root -o ! -group itrust \\) -print -quit",
        )
        assert not found, f"{found}: wrong owner or mode"

    @pytest.mark.parametrize("path", ["/manager/html", "/host-manager/html", "/examples/", "/docs/"])
    def test_absent(self, host: Any, live_port: int, path: str) -> None:
        """Tomcat's own applications do not answer"""
        status = output(host, "python3 -c %s %s", ASK, f"http://127.0.0.1:{live_port}{path}").splitlines()[0]
        assert status == "404", f"GET {path} is {status}"

    def test_version_hidden(self, host: Any, live_port: int) -> None:
        """An error page of Tomcat's does not name its version."""
        address = f"http://127.0.0.1:{live_port}/%5b%5d%22no-such-page"
        page = output(host, "python3 -c %s %s", ASK, address)
        assert page.startswith(("400", "404")), f"a made-up page is {page[:3]}"
        assert not re.search(r"Tomcat/\d", page), "it names its version"

    def test_heap(self, host: Any, app: Application, live_port: int) -> None:
        """The heap is bounded, to less than half of the host's memory."""
        arguments = output(host, "ps -o args= -ww -p %s", process(host, app.unit(live_port)))
        bound = re.search(r"-Xmx(\d+)([mMgG])", arguments)
        assert bound, "-Xmx is not set"
        heap = int(bound[1]) * {"m": 1, "g": 1024}[bound[2].lower()]
        memory = int(output(host, "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo")) // 1024
        assert heap * 2 <= memory, (
            f"-Xmx is {heap} MB of {memory} MB: two instances run while a release is switched"
        )


class TestSite:
    def test_login(self, outside: Outside) -> None:
        """The log-in page has its form."""
        answer = outside.get("/iTrust2/login")
        assert answer.status == 200, f"GET /iTrust2/login is {answer.status or answer.text}"
        for name in ("username", "password"):
            assert re.search(rf"""<input[^>]*name=["']{name}["']""", answer.text), f"it has no field {name}"

    def test_start(self, outside: Outside) -> None:
        """`/` leads to the application."""
        answer = outside.get("/")
        assert answer.status in (301, 302, 303, 307, 308), f"GET / is {answer.status or answer.text}"
        where = answer.headers.get("location", "")
        assert re.fullmatch(r"(https?://[^/]+)?/iTrust2/?.*", where), f"it leads to {where!r}"

    def test_pages_are_closed(self, outside: Outside) -> None:
        """Without a log-in no page behind it is shown."""
        answer = outside.get("/iTrust2/admin/index")
        assert answer.status in (302, 303, 401, 403), (
            f"GET /iTrust2/admin/index is {answer.status or answer.text}"
        )

    def test_packed_files_are_not_served(self, outside: Outside) -> None:
        """What is inside the WAR beside the site is not served."""
        for name in ("WEB-INF/web.xml", "WEB-INF/classes/db.properties", "META-INF/MANIFEST.MF"):
            path = f"/iTrust2/{name}"
            status = outside.get(path).status
            assert status in (302, 403, 404), f"GET {path} is {status}"
