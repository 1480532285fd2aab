"""checkbox.io on a real host, from bare Debian on: with our own site of its shape, through both commands."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Inventory
from tests.lab.conftest import Command, Ended, changed

KEPT = "A study that somebody made"
IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@example.org"]


@dataclass(frozen=True)
class Site:
    """The application on its one host. `deploy` runs `pipeline deploy checkbox.io`, `pyinfra` the same without us."""

    machine: Any
    url: str
    inventory: Path
    secrets: Path
    repository: Path
    command: Command

    def deploy(self, *arguments: str, ref: str = "master") -> Ended:
        source = [] if "--rollback" in arguments else ["--repo", str(self.repository), "--ref", ref]
        return self.command("deploy", "checkbox.io", "-i", str(self.inventory), *source, "--json", *arguments)

    def pyinfra(self, ref: str = "master") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pyinfra", "-y", str(self.inventory), "deploys/checkbox.py"]
        command += ["--data", f"repo={self.repository}", "--data", f"ref={ref}"]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def forget(self, ref: str) -> None:
        """The next deploy of `ref` has to install it again."""
        git = ["git", "-C", str(self.repository), "rev-parse", ref]
        commit = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
        with self.machine.sudo():
            assert self.machine.run(f"rm -f /srv/checkbox/releases/{commit}-*.installed").rc == 0

    def installing(self, ref: str) -> subprocess.Popen[str]:
        """A deploy that has just begun to install."""
        deploy = self.pyinfra(ref)
        assert deploy.stdout is not None
        for line in deploy.stdout:
            if "unpack and install" in line:
                break
        time.sleep(0.5)
        return deploy

    def page(self) -> str:
        return requests.get(self.url, timeout=10).text

    def studies(self) -> list[str]:
        answer = requests.get(f"{self.url}api/study/listing", timeout=10)
        return [study["name"] for study in answer.json()["studies"]]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our site as a repository: `master`, `next` and `third` (other pages) and `broken` (does not start)."""
    path = tmp_path_factory.mktemp("checkbox") / "repository"
    shutil.copytree(ROOT / "services" / "checkbox", path, ignore=shutil.ignore_patterns("node_modules"))

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(path), *IDENTITY, *arguments], check=True, capture_output=True)

    def branch(name: str, file: str, old: str, new: str) -> None:
        git("checkout", "-q", "-b", name, "master")
        changed = (path / file).read_text().replace(old, new, 1)
        (path / file).write_text(changed)
        git("commit", "-qam", name)

    git("init", "-q", "-b", "master")
    git("add", ".")
    git("commit", "-qm", "One")
    branch("next", "public_html/index.html", "<h1>Studies</h1>", "<h1>Studies, next</h1>")
    branch("third", "public_html/index.html", "<h1>Studies</h1>", "<h1>Studies, third</h1>")
    branch("broken", "server-side/site/server.js", "'use strict';", "throw new Error('no such luck');")
    return path


@pytest.fixture(scope="module")
def site(
    production: Inventory,
    host_of: Callable[[str], Any],
    repository: Path,
    command: Command,
    tmp_path_factory: pytest.TempPathFactory,
) -> Site:
    """The application, deployed on a host that had nothing of it, with one study in it."""
    directory = tmp_path_factory.mktemp("deploy")
    host = production.one("checkbox")
    data = {**host.data, "secrets_directory": str(directory / "secrets")}
    inventory = directory / "hosts.ini"
    write_inventory(Inventory({"checkbox": (replace(host, data=data),)}), inventory)
    url = f"http://{host.address}/"
    deployed = Site(host_of(host.name), url, inventory, directory / "secrets", repository, command)
    ended = deployed.deploy()
    assert ended.code == Exit.OK, ended.err
    (told,) = ended.json["hosts"]
    assert told["changed"] > 0
    assert "created, listed, loaded, answered, counted" in told["proof"]["proof"]
    study = {"invitecode": "RESEARCH", "studyKind": "survey", "name": KEPT, "markdown": "# Hello"}
    assert "admin_url" in requests.post(f"{url}api/study/create", json=study, timeout=10).json()
    return deployed


@pytest.fixture(autouse=True)
def _data_stays(site: Site) -> Any:
    """Whatever a test did: the study that somebody made is there afterwards, and no study of a proof."""
    yield
    assert site.studies() == [KEPT]


def test_a_second_deploy_changes_nothing_with_either_command(site: Site) -> None:
    assert changed(site.deploy()) == []
    plain = site.pyinfra()
    output, _ = plain.communicate(timeout=120)
    assert plain.returncode == 0, output
    assert re.search(r"Grand total +\d+ +- +- +\d+ ", output), output


def test_the_secrets_are_in_nobodys_sight(site: Site) -> None:
    (file,) = site.secrets.glob("*.yml")
    passwords = re.findall(r"^checkbox_mongo\w*: (\w{32})$", file.read_text(), re.MULTILINE)
    assert len(passwords) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    found = site.machine.run("grep -rlsF -e %s -e %s /etc /srv /run /tmp /var/log", *passwords)
    assert found.stdout == "", "as an ordinary user"
    assert site.machine.file("/srv/checkbox/slots/3002/environment").mode == 0o640
    with site.machine.sudo():
        assert site.machine.file("/root/.mongodb-admin").mode == 0o600


def test_nothing_but_nginx_is_reached_from_outside(site: Site) -> None:
    for port in (3002, 3003, 27017):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{site.url.rstrip('/')}:{port}/", timeout=3)


def test_drift_made_by_hand_is_repaired(site: Site) -> None:
    harm = [
        "echo '# by hand' >> /etc/mongod.conf",
        "chmod 755 /var/lib/mongodb",
        "systemctl disable --now mongod",
        "sed -i 's/20m/1m/' /etc/nginx/conf.d/checkbox.conf && systemctl reload nginx",
        "echo APP_PORT=1 > /srv/checkbox/slots/3002/environment",
        "ln -sfn /tmp /srv/checkbox/current",
    ]
    with site.machine.sudo():
        for line in harm:
            assert site.machine.run(line).rc == 0, line
    assert len(changed(site.deploy())) >= 3
    assert changed(site.deploy()) == []
    assert "<h1>Studies</h1>" in site.page()


def test_a_lost_secrets_file_is_made_anew_and_the_databases_passwords_with_it(site: Site) -> None:
    (file,) = site.secrets.glob("*.yml")
    before = file.read_text()
    file.unlink()
    assert "service install: MongoDB's users" in changed(site.deploy())
    assert file.read_text() != before


def test_a_release_that_does_not_start_never_gets_a_request(site: Site) -> None:
    ended = site.deploy(ref="broken")
    assert ended.code == Exit.ENVIRONMENT
    assert "no such luck" in ended.err
    assert changed(site.deploy()) == []


def test_a_new_release_takes_over_without_a_lost_request_and_a_rollback_brings_the_former_back(
    site: Site,
) -> None:
    ended = site.deploy(ref="next")
    assert "service start: serve the release" in changed(ended)
    (told,) = ended.json["hosts"]
    assert told["switch"]["probes"] > 0
    assert told["switch"]["unanswered"] == 0
    assert "<h1>Studies, next</h1>" in site.page()
    assert changed(site.deploy("--rollback")) == ["service start: serve the release"]
    assert "<h1>Studies</h1>" in site.page()


def test_a_rollback_goes_to_what_was_served_before_an_older_commit_too(site: Site) -> None:
    site.deploy(ref="next")
    site.deploy()  # the older commit, deployed on purpose
    site.deploy("--rollback")
    assert "<h1>Studies, next</h1>" in site.page()
    site.deploy()


def test_a_deploy_killed_in_the_middle_is_finished_by_the_next(site: Site) -> None:
    site.forget("next")  # in the midst of whose installation it is killed
    killed = site.installing("next")
    killed.kill()
    killed.communicate()
    assert "<h1>Studies</h1>" in site.page()
    assert "service install: unpack and install the commit" in changed(site.deploy(ref="next"))
    assert "<h1>Studies, next</h1>" in site.page()
    assert changed(site.deploy(ref="next")) == []


def test_a_deploy_through_another_connection_is_refused_while_one_installs_and_that_comes_to_its_end(
    site: Site,
) -> None:
    site.forget("master")
    first = site.installing("master")
    first.send_signal(signal.SIGSTOP)  # as slow as need be
    second = site.deploy(ref="third")
    first.send_signal(signal.SIGCONT)
    told, _ = first.communicate(timeout=60)
    assert second.code == Exit.ENVIRONMENT
    assert "another deploy, from " in second.err
    assert first.returncode == 0, told
    assert "<h1>Studies</h1>" in site.page()
    assert changed(site.deploy(ref="next")) == ["service start: serve the release"]


def test_after_a_reboot_of_the_host_all_is_as_it_should_be(site: Site) -> None:
    ended = site.command("verify", "checkbox.io", "-i", str(site.inventory), "--reboot", seconds=300)
    assert ended.code == Exit.OK, ended.out + ended.err
    assert changed(site.deploy(ref="next")) == []
