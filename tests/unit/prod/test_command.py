"""`pipeline prod` as people type it: against moto's HTTP server, with an ssh for hosts that are nowhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import EnvironmentError_, Exit, HostError
from pipeline.cli.root import run
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host
from pipeline.prod import ready
from pipeline.prod.aws.address import own_address
from pipeline.prod.cloud import Change, Plan, Step
from pipeline.prod.plan_text import plan_lines
from tests.support.aws_server import HERE, World


class Shell:
    """A working directory with a prod.yml, and what commands print there."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = run(["prod", *arguments])
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.err
        return code

    def settings(self, **more: Any) -> None:
        # without a monitor, which would be provisioned: these hosts are nowhere
        text = {"region": "eu-central-1", "ssh_from": HERE, "monitor": "none", **more}
        Path("prod.yml").write_text(json.dumps(text))  # JSON is YAML


@pytest.fixture
def shell(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    fake_ssh(world.directory, monkeypatch, 'printf "%s\\n" "$@" >> "$HOME/ssh-arguments"')
    monkeypatch.chdir(world.directory)
    made = Shell(world, capsys)
    made.settings()
    return made


def fake_ssh(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")


def test_up_status_up_and_down(shell: Shell) -> None:
    assert shell("up", "--yes") == Exit.OK
    assert "9 to create, 0 to change" in shell.out
    assert "It costs about $0.077 an hour ($56 a month)." in shell.out
    assert "creating host checkbox-1: t3.small, 20 GB" in shell.err
    assert "wrote inventory.ini" in shell.err
    assert shell("status") == Exit.OK
    assert [line.split()[:3] for line in shell.out.splitlines()[1:]] == [
        ["checkbox-1", "t3.small", "running"],
        ["itrust-1", "t3.medium", "running"],
    ]
    assert shell("up") == Exit.OK, "nothing to do needs no yes"
    assert "Nothing to do: 9 things are as they should be." in shell.out
    assert shell("down", "--yes") == Exit.OK
    assert "0 to create, 0 to change, 0 to keep, 9 to remove." in shell.out
    assert "removed inventory.ini" in shell.err
    assert "the private key stays in" in shell.err
    assert shell("status") == Exit.OK
    assert shell.out == "no hosts; pipeline prod up makes them\n"
    assert shell("down") == Exit.OK, "with nothing to remove there is nothing to ask"
    assert "Nothing is there." in shell.out


def test_without_a_yes_and_without_a_terminal_nothing_is_done(shell: Shell) -> None:
    assert shell("up") == Exit.USAGE
    assert "there is no terminal to ask at" in shell.err
    assert "try: the same with --yes" in shell.err
    assert shell("up", "--json") == Exit.USAGE
    assert json.loads(shell.out)["error"]["hint"] == "the same with --yes"
    assert set(shell.world.count().values()) == {0}


@pytest.mark.parametrize(
    ("answer", "code"), [("y\n", Exit.OK), ("n\n", Exit.INTERRUPTED), ("", Exit.INTERRUPTED)]
)
def test_at_a_terminal_the_plan_is_asked_about(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, code: Exit
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert shell("up") == code
    assert (shell.world.count()["hosts"] == 2) == (code == Exit.OK)


class Terminal:
    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:
        return self._answer


def test_a_dry_run_shows_the_plan_and_changes_nothing(shell: Shell) -> None:
    assert shell("up", "--dry-run") == Exit.OK
    assert "+ create host itrust-1" in shell.out
    assert set(shell.world.count().values()) == {0}
    assert not Path("inventory.ini").exists()
    assert shell("down", "--dry-run") == Exit.OK
    assert "Nothing is there." in shell.out


def test_programs_get_one_document(shell: Shell) -> None:
    shell.settings(itrust={"type": "m6gd.medium"}, checkbox={"count": 0})
    assert shell("up", "--json", "--dry-run") == Exit.OK
    plan = json.loads(shell.out)
    assert plan["applied"] is False
    assert plan["usd_hourly"] is None, "the table has no price of that type"
    assert plan["changes"][-1] == {
        "action": "create", "kind": "host", "name": "itrust-1", "usd_hourly": None,
        "detail": "m6gd.medium, 20 GB, debian-12-arm64-20261103-1",
    }  # fmt: skip
    assert shell("up", "--json", "--yes") == Exit.OK
    done = json.loads(shell.out)
    assert done["applied"] is True
    assert done["inventory"] == "inventory.ini"
    assert [host["host"] for host in done["hosts"]] == ["itrust-1"]
    assert shell("status", "--json") == Exit.OK
    assert json.loads(shell.out) == done["hosts"]


def test_an_inventory_that_is_somebody_elses_is_never_written_over(shell: Shell) -> None:
    Path("inventory.ini").write_text("[all]\ncheckbox = ['mine']\n")
    assert shell("up", "--yes") == Exit.USAGE
    assert "inventory.ini was not written by pipeline prod up, and is left alone" in shell.err
    assert set(shell.world.count().values()) == {0}
    assert shell("up", "--yes", "-i", "other.ini") == Exit.OK
    shell.settings(name="staging")
    assert shell("up", "--yes", "-i", "other.ini") == Exit.USAGE
    assert (
        "other.ini is another environment's: Written by pipeline prod up: environment production" in shell.err
    )
    assert Path("inventory.ini").read_text() == "[all]\ncheckbox = ['mine']\n"


def test_ssh_goes_to_the_host_with_its_key_and_passes_the_command_on(shell: Shell, monkeypatch: Any) -> None:
    shell("up", "--yes")
    became: list[str] = []

    def become(_: str, argv: list[str]) -> None:
        became.extend(argv)
        raise SystemExit(0)

    monkeypatch.setattr("os.execvp", become)
    with pytest.raises(SystemExit):
        run(["prod", "ssh", "itrust-1", "--", "echo", "a b"])
    assert became[0] == "ssh"
    assert f"{Path.home()}/.config/pipeline/aws/production-eu-central-1/key" in became
    assert became[-2:] == ["echo", "a b"], "as they are: ssh itself joins them"
    assert shell("ssh", "itrust-2") == Exit.USAGE
    assert "no host 'itrust-2'; there is checkbox-1, itrust-1" in shell.err


def test_bad_settings_are_told_with_their_lines_and_nothing_is_asked(shell: Shell) -> None:
    Path("prod.yml").write_text("region: eu-central-1\ndisk: big\n")
    assert shell("up", "--yes") == Exit.USAGE
    assert "prod.yml:2: disk: " in shell.err
    assert shell("status", "-f", "no.yml") == Exit.USAGE
    assert "try: cp prod.example.yml no.yml" in shell.err
    assert shell.world.calls == []


def test_hosts_that_do_not_answer_ssh_are_told_with_what_ssh_said(tmp_path: Path, monkeypatch: Any) -> None:
    fake_ssh(tmp_path, monkeypatch, "echo 'connection timed out' >&2; exit 255")
    host = Host("checkbox-1", "198.51.100.9", user="admin", known_hosts=tmp_path / "known" / "i-1")
    with pytest.raises(
        HostError, match=r"SSH to admin@198.51.100.9 does not work after 0 s: connection timed out"
    ):
        ready.wait_ready([host], quiet(), patience=0.2, every=0.05)


def test_a_firewall_that_lets_nothing_through_is_not_taken_for_a_first_start_that_does_not_end(
    tmp_path: Path, monkeypatch: Any
) -> None:
    host = Host("checkbox-1", "198.51.100.9", user="admin")
    fake_ssh(tmp_path, monkeypatch, "exec sleep 60")
    with pytest.raises(HostError, match=r"does not work after \d+ s: no answer \(a firewall\?\)") as caught:
        ready.wait_ready([host], quiet(), patience=0.2, every=0.05)
    assert "does the network here let port 22 out?" in str(caught.value.hint)
    # cloud-init that does not end, on a host that answers
    fake_ssh(tmp_path, monkeypatch, 'case "$*" in *cloud-init*) exec sleep 60;; esac')
    with pytest.raises(HostError, match=r"its first start does not end \(cloud-init\)"):
        ready.wait_ready([host], quiet(), patience=0.2, every=0.05)


def test_the_inventory_is_there_also_where_ssh_does_not_get_through(shell: Shell, monkeypatch: Any) -> None:
    fake_ssh(shell.world.directory, monkeypatch, "echo 'connection timed out' >&2; exit 255")
    monkeypatch.setattr(ready.wait_ready, "__defaults__", (0.2, 0.05))
    assert shell("up", "--yes") == Exit.ENVIRONMENT
    assert "connection timed out" in shell.err
    assert [host.name for host in read_inventory(Path("inventory.ini"))] == ["checkbox-1", "itrust-1"]


def test_hosts_that_answer_later_are_waited_for(tmp_path: Path, monkeypatch: Any) -> None:
    fake_ssh(tmp_path, monkeypatch, f'echo . >> {tmp_path}/tries; [ "$(wc -l < {tmp_path}/tries)" -ge 3 ]')
    ready.wait_ready([Host("checkbox-1", "198.51.100.9")], quiet(), patience=20, every=0.01)
    assert (tmp_path / "tries").read_text().count(".") == 4, (
        "the third answers, and is asked for its first start"
    )


def quiet() -> Any:
    from pipeline.base.console import Progress

    return Progress(quiet=True)


@pytest.fixture
def page() -> Iterator[tuple[str, list[bytes]]]:
    """A URL, and what it answers."""
    answers: list[bytes] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()


def test_this_machines_address_is_what_the_internet_sees(page: tuple[str, list[bytes]]) -> None:
    url, answers = page
    answers.append(b"203.0.113.7\n")
    assert own_address(url) == "203.0.113.7"
    answers[0] = b"<html>sign in to this hotel</html>"
    with pytest.raises(EnvironmentError_, match="said nothing like one"):
        own_address(url)


def test_ssh_from_here_opens_ssh_to_this_machine(
    shell: Shell, monkeypatch: Any, page: tuple[str, list[bytes]]
) -> None:
    url, answers = page
    answers.append(b"203.0.113.7\n")
    monkeypatch.setattr("pipeline.prod.aws.cloud.own_address", lambda: own_address(url))
    shell.settings(ssh_from="here")
    assert shell("up", "--dry-run") == Exit.OK
    assert "SSH from 203.0.113.7" in shell.out
    assert "SSH is open to this machine's address, 203.0.113.7." in shell.out


def test_a_plan_fits_80_columns_and_says_what_it_does_not_know() -> None:
    steps = (
        Step(
            Change(
                "create", "security group", "checkbox", "SSH from 198.51.100.7, 80 from everywhere, 9100-9499"
            )
        ),
        Step(Change("change", "host", "a-name-that-is-much-longer-than-others", "p5.48xlarge, 20 GB", None)),
        Step(Change("keep", "host", "itrust-1", "i-0123456789abcdef0 t3.small, running", 0.05)),
        Step(Change("remove", "VPC", "", "vpc-0123456789abcdef0")),
    )
    lines = plan_lines(
        Plan("production", "aws eu-central-1", steps, ("A note. " * 20,), ("subnet-1 of others",))
    )
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "1 to create, 1 to change, 1 to keep, 1 to remove." in text
    assert "It costs about $0.050 an hour" in text
    assert "a-name-that-is-much-longer-than-others (p5.48xlarge) costs, which is unknown here" in text
    assert "in the way: subnet-1 of others" in text
