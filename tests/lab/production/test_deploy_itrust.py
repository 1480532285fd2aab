"""iTrust on a real host, from bare Debian on: with our own stand-in for the WAR, through both commands."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.base.errors import Exit
from pipeline.inventory.hosts import Inventory
from tests.support.lab import Command, Ended, changed, plain_pyinfra, write_alone

# The unpacked WAR that is served, as a zip again.
PACK = """
import base64, io, os, sys, zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as file:
    for where, _, names in os.walk("."):
        for name in names:
            file.write(os.path.join(where, name))
print(base64.b64encode(out.getvalue()).decode())
"""


@dataclass(frozen=True)
class Site:
    """The application on its one host. `deploy` runs `pipeline deploy iTrust`, `pyinfra` the same without us."""

    machine: Any
    url: str
    inventory: Path
    secrets: Path
    repository: Path
    command: Command

    def deploy(self, *arguments: str) -> Ended:
        source = [] if {"--rollback", "--war"} & set(arguments) else ["--repo", str(self.repository)]
        return self.command("deploy", "iTrust", "-i", str(self.inventory), *source, "--json", *arguments)

    def pyinfra(self, *data: str) -> subprocess.Popen[str]:
        return plain_pyinfra(self.inventory, "itrust", *(data or (f"repo={self.repository}",)))

    def sql(self, statement: str) -> list[str]:
        with self.machine.sudo():
            asked = self.machine.run("mariadb -N -B iTrust2 -e %s", statement)
        assert asked.rc == 0, asked.stderr
        return str(asked.stdout).splitlines()

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", headers=headers, timeout=10)


@pytest.fixture(scope="module")
def site(
    production: Inventory,
    host_of: Callable[[str], Any],
    command: Command,
    itrust_repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Site:
    """The application, built and deployed on a host that had nothing of it."""
    directory = tmp_path_factory.mktemp("itrust")
    host, inventory = write_alone("itrust", production, directory)
    site = Site(
        host_of(host.name),
        f"http://{host.address}:8080",
        inventory,
        directory / "secrets",
        itrust_repository,
        command,
    )
    ended = site.deploy()
    assert ended.code == Exit.OK, ended.err
    (told,) = ended.json["hosts"]
    assert "admin logged in, saw the page behind it" in told["proof"]["proof"]
    assert told["proof"]["users"] == 7
    return site


@pytest.fixture(scope="module")
def served_war(site: Site) -> dict[str, bytes]:
    """What is in the WAR that the first deploy built, by name: to make others of it without Maven."""
    with site.machine.sudo():
        packed = site.machine.run(f"cd /srv/itrust/current/webapp && python3 -c '{PACK}'").stdout
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed))) as file:
        return {name: file.read(name) for name in file.namelist()}


def war_of(path: Path, content: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in content.items():
            file.writestr(name, data)
    return str(path)


def test_a_second_deploy_changes_nothing_with_either_command(site: Site) -> None:
    assert changed(site.deploy()) == []
    plain = site.pyinfra()
    output, _ = plain.communicate(timeout=120)
    assert plain.returncode == 0, output
    assert re.search(r"Grand total +\d+ +- +- +\d+ ", output), output


def test_the_secrets_are_in_nobodys_sight(site: Site) -> None:
    (file,) = site.secrets.glob("*.yml")
    passwords = re.findall(r"^itrust_\w+: (\w{32})$", file.read_text(), re.MULTILINE)
    assert len(passwords) == 8
    patterns = " ".join(f"-e {password}" for password in passwords)
    assert site.machine.run(f"grep -rlsF {patterns} /etc /srv /run /tmp /var/log").stdout == ""
    with site.machine.sudo():
        inside = site.machine.file("/srv/itrust/current/webapp/WEB-INF/classes/db.properties")
        assert (inside.mode, inside.user, inside.group) == (0o640, "root", "itrust")


def test_the_application_sees_the_visitors_address_whatever_the_visitor_says(site: Site) -> None:
    # iTrust2 bans addresses after wrong passwords: nginx's own would be everybody's.
    seen = site.get("/iTrust2/visitor", **{"X-Forwarded-For": "203.0.113.9"}).text.strip()
    assert seen == site.machine.run("echo $SSH_CONNECTION").stdout.split()[0]


def test_the_first_users_are_loaded_once_and_never_over_live_data(site: Site) -> None:
    site.sql("DELETE FROM Users WHERE username <> 'admin'")
    assert changed(site.deploy()) == []
    assert site.sql("SELECT username FROM Users") == ["admin"]
    # Even where nobody is left, and where somebody chose a password: neither is a failure of the release.
    site.sql("CREATE TABLE kept AS SELECT * FROM Users; UPDATE Users SET password = '$2a$10$x'")
    (told,) = site.deploy().json["hosts"]
    assert told["proof"]["login"] == "not tried: admin has changed the password since"
    site.sql("DELETE FROM Users")
    assert changed(site.deploy()) == []
    assert site.sql("SELECT COUNT(*) FROM Users") == ["0"]
    site.sql("INSERT INTO Users SELECT * FROM kept; DROP TABLE kept")


def test_drift_made_by_hand_is_repaired(site: Site) -> None:
    harm = [
        "mariadb -e \"GRANT SELECT ON mysql.* TO itrust@127.0.0.1; CREATE USER itrust@'%'\"",
        "echo 'bind-address = 0.0.0.0' >> /etc/mysql/mariadb.conf.d/90-pipeline-itrust.cnf",
        "sed -i 's/127.0.0.1/0.0.0.0/' /srv/itrust/tomcat/conf/server.xml",
        "touch /srv/itrust/tomcat/webapps/manager.war",
        "chmod -R o+rX /srv/itrust/current/webapp && chown itrust /srv/itrust/current/webapp",
        "sed -i 's/password=.*/password=x/' /srv/itrust/current/webapp/WEB-INF/classes/db.properties",
        "sed -i 's/X-Forwarded-For/X-F/' /etc/nginx/conf.d/itrust.conf && systemctl reload nginx",
        "systemctl stop 'itrust@*'",
    ]
    with site.machine.sudo():
        for line in harm:
            assert site.machine.run(line).rc == 0, line
    assert len(changed(site.deploy())) >= 5
    assert changed(site.deploy()) == []
    assert site.sql("SELECT Host FROM mysql.user WHERE User = 'itrust'") == ["127.0.0.1"]


def test_a_changed_database_password_is_applied_without_a_build(site: Site) -> None:
    (file,) = site.secrets.glob("*.yml")
    file.write_text(re.sub(r"(itrust_db_password: )\w+", r"\g<1>chosenByHand", file.read_text()))
    operations = changed(site.deploy())
    assert "service install: iTrust's database and its user" in operations
    assert "service start: serve the release" in operations
    assert not any("build" in operation for operation in operations)


def test_a_war_that_does_not_start_never_gets_a_request(
    site: Site, served_war: dict[str, bytes], tmp_path: Path
) -> None:
    broken = {name: content for name, content in served_war.items() if "mysql-connector" not in name}
    ended = site.deploy("--war", war_of(tmp_path / "broken.war", broken))
    assert ended.code == Exit.ENVIRONMENT
    assert "could not be started: it does not start: " in ended.err
    assert "com.mysql.cj.jdbc.Driver" in ended.err
    assert changed(site.deploy()) == []


def test_what_is_no_war_changes_nothing(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.war").write_text("hello")
    ended = site.deploy("--war", str(tmp_path / "a.war"))
    assert ended.code == Exit.USAGE
    assert "is no WAR" in ended.err
    plain = site.pyinfra(f"war={tmp_path}")
    output, _ = plain.communicate(timeout=60)
    assert plain.returncode != 0
    assert f"{tmp_path}: is a directory, not a WAR" in output
    assert "Traceback" not in ended.err
    assert changed(site.deploy()) == []


def test_a_changed_war_takes_over_without_a_lost_request_and_a_rollback_brings_the_former_back(
    site: Site, served_war: dict[str, bytes], tmp_path: Path
) -> None:
    ended = site.deploy("--war", war_of(tmp_path / "next.war", {**served_war, "next.txt": b"next"}))
    assert "service start: serve the release" in changed(ended)
    (told,) = ended.json["hosts"]
    assert told["switch"]["probes"] > 0
    assert told["switch"]["unanswered"] == 0
    assert site.get("/iTrust2/next.txt").text == "next"
    assert "service start: serve the release" in changed(site.deploy("--rollback"))
    assert site.get("/iTrust2/next.txt").status_code == 404


def test_a_deploy_killed_in_the_middle_is_finished_by_the_next(
    site: Site, served_war: dict[str, bytes], tmp_path: Path
) -> None:
    war = war_of(tmp_path / "third.war", {**served_war, "third.txt": b"third"})
    killed = site.pyinfra(f"war={war}")
    assert killed.stdout is not None
    for line in killed.stdout:
        if "install the WAR" in line:
            break
    killed.kill()
    killed.communicate()
    assert site.get("/iTrust2/login").status_code == 200
    assert "service start: serve the release" in changed(site.deploy("--war", war))
    assert site.get("/iTrust2/third.txt").text == "third"
    assert changed(site.deploy("--war", war)) == []


def test_after_a_reboot_of_the_host_all_is_as_it_should_be(site: Site) -> None:
    ended = site.command("verify", "iTrust", "-i", str(site.inventory), "--reboot", seconds=400)
    assert ended.code == Exit.OK, ended.out + ended.err
    assert site.get("/iTrust2/third.txt").text == "third"
