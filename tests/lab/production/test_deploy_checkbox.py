"""checkbox.io on a real host, from bare Debian on: with our own site of its shape, through both commands."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest
import requests

from pipeline.base.errors import Exit
from tests.support.checkbox_site import KEPT, CheckboxSite
from tests.support.lab import changed


@pytest.fixture(autouse=True)
def _data_stays(checkbox: CheckboxSite) -> Any:
    """Whatever a test did: the study that somebody made is there afterwards, and no study of a proof."""
    yield
    assert checkbox.studies() == [KEPT]


def test_a_second_deploy_changes_nothing_with_either_command(checkbox: CheckboxSite) -> None:
    assert changed(checkbox.deploy()) == []
    plain = checkbox.pyinfra()
    output, _ = plain.communicate(timeout=120)
    assert plain.returncode == 0, output
    assert re.search(r"Grand total +\d+ +- +- +\d+ ", output), output


def test_the_secrets_are_in_nobodys_sight(checkbox: CheckboxSite) -> None:
    (file,) = checkbox.secrets.glob("*.yml")
    passwords = re.findall(r"^checkbox_mongo\w*: (\w{32})$", file.read_text(), re.MULTILINE)
    assert len(passwords) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    found = checkbox.machine.run("grep -rlsF -e %s -e %s /etc /srv /run /tmp /var/log", *passwords)
    assert found.stdout == "", "as an ordinary user"
    assert checkbox.machine.file("/srv/checkbox/slots/3002/environment").mode == 0o640
    with checkbox.machine.sudo():
        assert checkbox.machine.file("/root/.mongodb-admin").mode == 0o600


def test_root_owns_what_runs_and_who_installed_it_reads_no_secret(checkbox: CheckboxSite) -> None:
    with checkbox.machine.sudo():
        others = "find /srv/checkbox/releases ! -type l ( ! -user root -o -perm /022 ) -print -quit"
        assert checkbox.machine.check_output(others.replace("(", "\\(").replace(")", "\\)")) == ""
        assert checkbox.machine.user("checkbox-build").groups == ["checkbox-build"]
        read = checkbox.machine.run("runuser -u checkbox-build -- cat /srv/checkbox/slots/3002/environment")
        assert (read.rc != 0, read.stdout) == (True, "")
    assert not checkbox.machine.file("/srv/checkbox/home").exists


def test_nothing_but_nginx_is_reached_from_outside(checkbox: CheckboxSite) -> None:
    for port in (3002, 3003, 27017):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{checkbox.url.rstrip('/')}:{port}/", timeout=3)


def test_drift_made_by_hand_is_repaired(checkbox: CheckboxSite) -> None:
    harm = [
        "echo '# by hand' >> /etc/mongod.conf",
        "chmod 755 /var/lib/mongodb",
        "systemctl disable --now mongod",
        "sed -i 's/20m/1m/' /etc/nginx/conf.d/checkbox.conf && systemctl reload nginx",
        "echo APP_PORT=1 > /srv/checkbox/slots/3002/environment",
        "ln -sfn /tmp /srv/checkbox/current",
    ]
    with checkbox.machine.sudo():
        for line in harm:
            assert checkbox.machine.run(line).rc == 0, line
    assert len(changed(checkbox.deploy())) >= 3
    assert changed(checkbox.deploy()) == []
    assert "<h1>Studies</h1>" in checkbox.page()


def test_a_lost_secrets_file_is_made_anew_and_the_databases_passwords_with_it(checkbox: CheckboxSite) -> None:
    (file,) = checkbox.secrets.glob("*.yml")
    before = file.read_text()
    file.unlink()
    assert "service install: MongoDB's users" in changed(checkbox.deploy())
    assert file.read_text() != before


def test_a_release_that_does_not_start_never_gets_a_request(checkbox: CheckboxSite) -> None:
    ended = checkbox.deploy(ref="broken")
    assert ended.code == Exit.ENVIRONMENT
    assert "no such luck" in ended.err
    assert changed(checkbox.deploy()) == []


def test_a_new_release_takes_over_without_a_lost_request_and_a_rollback_brings_the_former_back(
    checkbox: CheckboxSite,
) -> None:
    ended = checkbox.deploy(ref="next")
    assert "service start: serve the release" in changed(ended)
    (told,) = ended.json["hosts"]
    assert told["switch"]["probes"] > 0
    assert told["switch"]["unanswered"] == 0
    assert "<h1>Studies, next</h1>" in checkbox.page()
    assert changed(checkbox.deploy("--rollback")) == ["service start: serve the release"]
    assert "<h1>Studies</h1>" in checkbox.page()


def test_a_rollback_goes_to_what_was_served_before_an_older_commit_too(checkbox: CheckboxSite) -> None:
    checkbox.deploy(ref="next")
    checkbox.deploy()  # the older commit, deployed on purpose
    checkbox.deploy("--rollback")
    assert "<h1>Studies, next</h1>" in checkbox.page()
    checkbox.deploy()


def test_a_deploy_killed_in_the_middle_is_finished_by_the_next(checkbox: CheckboxSite) -> None:
    checkbox.forget("next")  # in the midst of whose installation it is killed
    killed = checkbox.installing("next")
    killed.kill()
    killed.communicate()
    assert "<h1>Studies</h1>" in checkbox.page()
    assert "service install: unpack and install the commit" in changed(checkbox.deploy(ref="next"))
    assert "<h1>Studies, next</h1>" in checkbox.page()
    assert changed(checkbox.deploy(ref="next")) == []


def test_a_deploy_through_another_connection_is_refused_while_one_installs_and_that_comes_to_its_end(
    checkbox: CheckboxSite,
) -> None:
    checkbox.forget("master")
    first = checkbox.installing("master")
    first.send_signal(signal.SIGSTOP)  # as slow as need be
    second = checkbox.deploy(ref="third")
    first.send_signal(signal.SIGCONT)
    told, _ = first.communicate(timeout=60)
    assert second.code == Exit.ENVIRONMENT
    assert "another deploy, from " in second.err
    assert first.returncode == 0, told
    assert "<h1>Studies</h1>" in checkbox.page()
    assert changed(checkbox.deploy(ref="next")) == ["service start: serve the release"]


def test_after_a_reboot_of_the_host_all_is_as_it_should_be(checkbox: CheckboxSite) -> None:
    ended = checkbox.command("verify", "checkbox.io", "-i", str(checkbox.inventory), "--reboot", seconds=300)
    assert ended.code == Exit.OK, ended.out + ended.err
    assert changed(checkbox.deploy(ref="next")) == []
