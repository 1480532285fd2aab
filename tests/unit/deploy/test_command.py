"""`pipeline deploy` and `pipeline verify` without a host: names, what is refused, what is told about the hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.console import Progress
from pipeline.base.errors import (
    EnvironmentError_,
    Exit,
    Interrupted,
    InventoryError,
    ServiceError,
    UsageError,
)
from pipeline.base.lock import inventory_lock
from pipeline.cli.root import run
from pipeline.deploy import preflight, rollout
from pipeline.deploy.applications import APPLICATIONS, Application, find_application
from pipeline.deploy.options import Options
from pipeline.deploy.releases import releases_for
from pipeline.deploy.result import summary
from pipeline.deploy.target_hosts import target_hosts
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.remote.provision import ProvisionResult
from tests.support.git_samples import git, make_repository
from tests.support.lab import repository_of

ROOT = Path(__file__).parents[3]
CHECKBOX, ITRUST = APPLICATIONS
HOSTS = "[checkbox]\nweb1\nweb2\nweb3\n[itrust]\nclinic ansible_host=203.0.113.12\n"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.ini"
    path.write_text(HOSTS)
    return path


@pytest.mark.parametrize(
    ("typed", "name"),
    [("checkbox.io", "checkbox.io"), ("Checkbox", "checkbox.io"), ("CHECKBOX.IO", "checkbox.io"),
     ("iTrust", "iTrust"), ("itrust2", "iTrust"), ("i-Trust", "iTrust")],
)  # fmt: skip
def test_an_application_is_found_as_people_write_it(typed: str, name: str) -> None:
    assert find_application(typed).name == name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deploy", "chekbox", "-i", "{}"], "did you mean checkbox.io?"),
        (["deploy", "jenkins", "-i", "{}"], "there is checkbox.io and iTrust"),
        (["deploy", "checkbox.io"], "--inventory"),
        (["deploy", "checkbox.io", "-i", "/no/such"], "/no/such: cannot be read"),
        (["deploy", "checkbox.io", "-i", "{}", "--war", "x.war"], "--war is not for checkbox.io"),
        (["deploy", "checkbox.io", "-i", "{}", "--build", "local"], "--build is not for checkbox.io"),
        (["deploy", "iTrust", "-i", "{}", "--war", "/no/such.war"], "/no/such.war: cannot be read"),
        (["deploy", "iTrust", "-i", "{}", "--war", __file__], "is no WAR"),
        (["deploy", "iTrust", "-i", "{}", "--rollback", "--ref", "v6"], "--ref does not go with it"),
        (["deploy", "iTrust", "-i", "{}", "--environment", "../x"], "is no name"),
        (["deploy", "checkbox.io", "-i", "{}", "--limit", "web4"], "did you mean web"),
        (["deploy", "checkbox.io", "-i", "{}", "--repo", "/no/such"], "/no/such: there is no such path"),
        (["verify", "checkbox.oi", "-i", "{}"], "did you mean checkbox.io?"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line_before_any_host_is_asked(
    arguments: list[str], words: str, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([word.format(inventory) for word in arguments]) == Exit.USAGE
    captured = capsys.readouterr()
    assert words in captured.err
    assert "checking" not in captured.err
    assert not captured.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[chekbox]\nweb1\n", "{}: no group 'checkbox', whose hosts get checkbox.io; "
         "is 'chekbox' ({}:1) meant to be it?"),
        ("[web]\nweb1\n", "{}: no group 'checkbox', whose hosts get checkbox.io; it has web"),
        ("[checkbox]\nweb1\n[checkbox.io]\nweb2\n", "{}: checkbox and checkbox.io both mean checkbox.io: keep one"),
        ("[checkbox]\nweb1 lisen=81\n", "{}:2: no key 'lisen'; did you mean 'listen'?"),
        ("[checkbox]\n[itrust]\nx ansible_password=x\n", "{0}:1: group 'checkbox' is empty"),
    ],
)  # fmt: skip
def test_an_inventory_that_cannot_be_meant_is_told_with_its_line(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text(text)
    with pytest.raises(InventoryError) as caught:
        target_hosts(CHECKBOX, path)
    assert caught.value.message == message.format(path, path)


def test_the_group_may_be_spelled_like_the_application(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("[iTrust]\nclinic\n")
    assert [(host.name, host.where) for host in target_hosts(ITRUST, path)] == [("clinic", f"{path}:2")]


def test_both_production_examples_describe_the_same_hosts() -> None:
    def described(name: str) -> dict[str, list[tuple[object, ...]]]:
        groups = read_inventory(ROOT / "inventories" / name).groups
        return {
            group: [(h.name, h.address, h.user, {k: str(v) for k, v in h.data.items()}) for h in hosts]
            for group, hosts in groups.items()
        }

    assert described("production-example.ini") == described("production-ansible-example.ini")


def test_plain_pyinfra_takes_an_inventory_in_ansibles_form(tmp_path: Path) -> None:
    # As installed: what pyproject.toml says, where Python looks for entry points.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (name, target), *_ = project["entry-points"]["pyinfra.connectors"].items()
    (tmp_path / "x-1.dist-info").mkdir()
    (tmp_path / "x-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 1\n")
    (tmp_path / "x-1.dist-info" / "entry_points.txt").write_text(f"[pyinfra.connectors]\n{name} = {target}\n")
    (tmp_path / "hosts.ini").write_text(HOSTS)

    def pyinfra(file: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pyinfra", f"@ini/{file}", "debug-inventory", "--json"],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = pyinfra("hosts.ini")
    assert done.returncode == 0, done.stderr
    hosts = json.loads(done.stdout)
    assert "203.0.113.12" in json.dumps(hosts)
    assert "itrust" in json.dumps(hosts)
    (tmp_path / "hosts.ini").write_text("[itrust]\nclinic ansible_hots=x\n")
    assert "hosts.ini:2: no key 'ansible_hots'; did you mean 'ansible_host'?" in pyinfra("hosts.ini").stderr


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"system": "ubuntu 22.04"}, ["is ubuntu 22.04, not debian 12"]),
        ({"system": "debian 13", "memory": "128"},
         ["is debian 13, not debian 12", "has 128 MB of memory; checkbox.io needs at least 450 MB"]),
        ({"root": "no"}, ["sudo asks me for a password, or is not there: it must work without one"]),
        ({"disk": "90", "systemd": "no"},
         ["systemd does not run there", "has 90 MB free on disk; checkbox.io needs at least 1000 MB"]),
    ],
)  # fmt: skip
def test_a_host_that_is_not_as_needed_is_told_all_that_is_wrong(
    facts: dict[str, str], expected: list[str]
) -> None:
    fine = {"system": "debian 12", "systemd": "yes", "root": "yes", "memory": "2000", "disk": "9000"}
    assert preflight.problems_of_facts(CHECKBOX, "me", {**fine, **facts})[0] == expected


def test_a_hint_of_verify_names_verify(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "jenkins", "-i", str(inventory)]) == Exit.USAGE
    err = capsys.readouterr().err
    assert "try: pipeline verify --help" in err
    assert "pipeline deploy" not in err


def test_options_win_over_the_inventory_and_a_repository_over_the_inventorys_war(tmp_path: Path) -> None:
    repository = repository_of("itrust", tmp_path / "repo", "master")
    war = tmp_path / "app.war"
    with zipfile.ZipFile(war, "w") as file:
        file.writestr("WEB-INF/web.xml", "")
    host = Host("clinic", "203.0.113.12", data={"war": str(war), "ref": "no-such", "repo": "/no/such"})

    def data(**options: Any) -> Mapping[str, object]:
        settings = Options(ITRUST, tmp_path / "hosts.ini", **options)
        return releases_for(settings, [host], lambda _: None)[0].packed(tmp_path)

    assert data() == {"war": str(war)}
    assert data(rollback=True, environment="test") == {"rollback": True, "environment": "test"}
    named = data(repo=str(repository), ref="HEAD", build="local")
    assert (named["build"], named["war"], len(str(named["commit"]))) == ("local", "", 40)
    assert Path(str(named["archive"])).stat().st_size > 0


@pytest.mark.parametrize(
    ("app", "lacks"),
    [(CHECKBOX, "server-side/site/server.js"), (ITRUST, "iTrust2/pom.xml or pom.xml")],
    ids=lambda given: getattr(given, "key", ""),
)
def test_a_tree_of_something_else_is_refused_before_any_host_is_touched(
    tmp_path: Path, app: Application, lacks: str
) -> None:
    other = make_repository(tmp_path / "other")
    settings = Options(app, tmp_path / "hosts.ini", repo=str(other), ref="master")
    with pytest.raises(UsageError, match=f"{other}: master is not {app.name}: it has no {lacks}"):
        releases_for(settings, [Host("h", "203.0.113.12")], lambda _: None)


def test_a_version_that_makes_no_war_is_refused_before_any_host_is_touched(tmp_path: Path) -> None:
    """iTrust2 since v8 is a Spring Boot program; its build would take minutes and end without a WAR."""
    repository = make_repository(tmp_path / "boot")
    (repository / "pom.xml").write_text("<project><artifactId>iTrust2</artifactId></project>")
    git(repository, "add", "--all")
    git(repository, "commit", "-q", "-m", "Spring Boot")
    with pytest.raises(UsageError, match=r"master of iTrust cannot be deployed: pom\.xml makes no WAR"):
        releases_for(
            Options(ITRUST, tmp_path / "hosts.ini", repo=str(repository), ref="master"),
            [Host("h", "203.0.113.12")],
            lambda _: None,
        )


def test_a_local_build_without_maven_is_refused_before_any_host_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentError_, match="needs Maven: there is no mvn") as raised:
        releases_for(
            Options(ITRUST, tmp_path / "hosts.ini", build="local"),
            [Host("h", "203.0.113.12")],
            lambda _: None,
        )
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("sudo apt-get install maven")


Provision = Callable[..., ProvisionResult]


def rolled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, provision: Provision, **options: Any) -> Any:
    """A roll over web1, web2, web3, with hosts that cannot exist here: `provision` answers for them."""
    (tmp_path / "hosts.ini").write_text(HOSTS)
    monkeypatch.setattr(rollout, "check_hosts", lambda *_, **__: None)
    monkeypatch.setattr(rollout, "provision", provision)
    monkeypatch.setattr(rollout, "state_directory", lambda: tmp_path)
    if not options.get("rollback"):
        options["repo"] = str(repository_of("checkbox", tmp_path / "repo", "master"))
    return rollout.roll_out(Options(CHECKBOX, tmp_path / "hosts.ini", **options), Progress(quiet=True))


def test_the_hosts_are_deployed_to_one_by_one_and_what_they_report_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    order = []

    def provision(inventory: Inventory, *_: object, **__: object) -> ProvisionResult:
        (host,) = inventory.groups["checkbox"]
        order.append(host.name)
        reports: list[dict[str, object]] = [
            {"name": "switch", "release": "f" * 40, "probes": 9, "unanswered": 1, "seconds": 0.2},
            {"proof": "it works", "url": "http://x/"},
        ]
        return ProvisionResult({host.name: ["A"] if host.name == "web1" else []}, 1.0, {host.name: reports})

    outcome = rolled(monkeypatch, tmp_path, provision)
    assert (order, outcome.error) == (["web1", "web2", "web3"], None)
    assert list(summary(outcome))[:4] == [
        "web1: changed 1 operation, release ffffffffffff, 0.2 s without an answer during the switch (1.0 s)",
        "  it works",
        "  http://x/",
        "web2: nothing to change, release ffffffffffff, 0.2 s without an answer during the switch (1.0 s)",
    ]


@pytest.mark.parametrize("rollback", [False, True])
def test_a_failure_stops_the_roll_and_says_which_hosts_are_done_and_which_untouched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rollback: bool
) -> None:
    def provision(inventory: Inventory, *_: object, **__: object) -> ProvisionResult:
        (host,) = inventory.groups["checkbox"]
        if host.name == "web2":
            raise ServiceError(host.name, "start", "the service could not be started: boom", hint="less LOG")
        return ProvisionResult({host.name: ["A"]}, 1.0)

    outcome = rolled(monkeypatch, tmp_path, provision, rollback=rollback)
    path = tmp_path / "hosts.ini"
    assert [host.state for host in outcome.hosts] == ["done", "failed", "untouched"]
    assert isinstance(outcome.error, ServiceError)
    message = "web2: the service could not be started: boom; done: web1; untouched: web3"
    assert outcome.error.message == message
    command = f"pipeline deploy checkbox.io -i {path} --rollback"
    assert outcome.error.hint == (
        f"less LOG; then: {command} --limit web2 --limit web3"
        if rollback
        else f"less LOG; or take web1 back: {command} --limit web1"
    )
    assert outcome.to_dict()["error"]["exit_code"] == Exit.ENVIRONMENT


def test_ctrl_c_says_how_each_host_stands_and_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def provision(inventory: Inventory, *_: object, **__: object) -> ProvisionResult:
        (host,) = inventory.groups["checkbox"]
        if host.name == "web2":
            raise KeyboardInterrupt
        return ProvisionResult({host.name: []}, 1.0)

    outcome = rolled(monkeypatch, tmp_path, provision)
    assert isinstance(outcome.error, Interrupted)
    assert "web2: broken off" in outcome.error.message
    assert outcome.error.message.endswith("; done: web1; untouched: web3")
    assert outcome.error.hint == (
        f"pipeline deploy checkbox.io -i {tmp_path / 'hosts.ini'} --repo {tmp_path / 'repo'}"
    )


def test_two_commands_do_not_change_the_hosts_of_one_inventory_at_once(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "state_directory", lambda: tmp_path / "state")
    (tmp_path / "link.ini").symlink_to(inventory)
    with inventory_lock(tmp_path / "state", inventory):
        code = run(["deploy", "checkbox", "-i", str(tmp_path / "link.ini"), "--json"])
    captured = capsys.readouterr()
    assert code == Exit.ENVIRONMENT
    assert json.loads(captured.out)["error"]["kind"] == "LockedError"
    assert "another command is using the hosts of" in captured.err
