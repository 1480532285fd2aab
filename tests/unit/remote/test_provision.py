"""Provisioning without a host: what pyinfra's log is taken to mean."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.base.errors import HostError, PipelineError, ProvisionError, ServiceError
from pipeline.inventory.hosts import Host, Inventory
from pipeline.remote.machine_fault import machine_fault
from pipeline.remote.provision import changes, connection, failure, provision
from pipeline.remote.transcript import Transcript

INVENTORY = Inventory({name: (Host(name, "203.0.113.1"),) for name in ("proxy", "blue", "green")})

INSTALL = (
    "--> Starting operation: deploys/canary_service.py | service install: unpack and install the commit "
)
START = "--> Starting operation: deploys/canary_service.py | service start: restart the service "
CHECK = "--> Starting operation: deploys/canary_service.py | host: disk, port and registry "
CONNECT = "--> Connecting to hosts..."


def error_of(
    *lines: str, code: int = 1, answers: Callable[[Host], bool] = lambda _host: True
) -> PipelineError:
    transcript = Transcript()
    for line in lines:
        transcript.read(f"    {line}\n")
    return failure(
        transcript, Path("deploys/canary.py"), Path("p.log"), INVENTORY, code=code, answers=answers
    )


@pytest.mark.parametrize(
    ("lines", "kind", "message"),
    [
        pytest.param(
            [CONNECT, "[blue]  Connected", "[green] Could not connect (refused)", "--> Preparing"],
            HostError,
            "green: cannot be reached by SSH: Could not connect (refused)",
            id="unreachable",
        ),
        pytest.param(
            [INSTALL, "[blue]  Success", "[green] + npm ci", "[green] \x1b[31mnpm ERR! code E404\x1b[0m",
             "[green] npm ERR! 404 Not Found - GET http://r/x", "[green] npm ERR! A complete log of this run",
             "[green] Error: executed 3 commands"],
            ServiceError,
            "green: the service could not be installed: npm ci: 404 Not Found - GET http://r/x",
            id="npm",
        ),
        pytest.param(
            [INSTALL, "[green] + npm install", "[green] added 3 packages", "[green] + false",
             "[green] Error: executed 3 commands"],
            ServiceError,
            "green: the service could not be installed: false: it failed without a word",
            id="a command that says nothing is not given another's words",
        ),
        pytest.param(
            [CONNECT, "[green] Connected", "--> Preparing operation files...", "Warning: Password input may be echoed.",
             "\x1b[0m[\x1b[1mgreen\x1b[0m] sudo password: ", "--> Disconnecting from hosts...",
             "Traceback (most recent call last):", "EOFError",
             "During handling of the above exception, another exception occurred:",
             "pyinfra_cli.exceptions.UnexpectedExternalError: <exception str() failed>"],
            HostError,
            "green: sudo asks root for a password, and nobody is there to type it",
            id="sudo",
        ),
        pytest.param(
            ["--> An exception occurred in: x.py:", "Traceback (most recent call last):", "KeyError: 'archive'",
             "During handling of the above exception, another exception occurred:",
             "pyinfra_cli.exceptions.UnexpectedExternalError: <exception str() failed>"],
            ProvisionError,
            "canary.py: KeyError: 'archive'",
            id="an exception without words",
        ),
        pytest.param(
            [START, "[green] Failed to locate executable x", '[green] See "systemctl status canary.service"',
             "[green] Error: executed 1 commands"],
            ServiceError,
            "green: the service could not be started: Failed to locate executable x",
            id="start",
        ),
        pytest.param(
            [INSTALL, "[green] no", "[green] Error: executed 0 commands", "[blue] bad",
             "[blue] Error: executed 0 commands", "--> pyinfra error: No hosts remaining!"],
            ServiceError,
            "blue: the service could not be installed: bad",
            id="of several hosts the first in the inventory",
        ),
        pytest.param(
            [CHECK, "[blue] No changes", "[green] its disk is full", "[green] Error: executed 1 commands",
             INSTALL, "[blue] no", "[blue] Error: executed 0 commands"],
            ServiceError,
            "blue: the service could not be installed: no",
            id="a version that fails on the first host before another host's fault",
        ),
        pytest.param(
            [CHECK, "[green] its disk is full", "[green] Error: executed 1 commands"],
            HostError,
            "green: its disk is full",
            id="a host that is not as needed",
        ),
        pytest.param(
            [CHECK, "[green] no registry", "[green] Error: executed 1 commands",
             "[blue] no registry", "[blue] Error: executed 1 commands"],
            HostError,
            "blue and green: no registry",
            id="two hosts that are not as needed",
        ),
        pytest.param(
            ["--> Starting operation: Install the missing packages", "[proxy] E: no such package",
             "[proxy] Error: executed 0 commands"],
            ProvisionError,
            "canary.py: proxy, Install the missing packages: E: no such package",
            id="not the service's fault",
        ),
        pytest.param(
            ["--> pyinfra error in /x/canary_proxy.py line 51: proxy: no data 'blue'"],
            ProvisionError,
            "proxy: no data 'blue'",
            id="a deploy that refuses its data",
        ),
        pytest.param(
            ["--> pyinfra error in /x/itrust.py line 51: ~/.config/x.yml: is readable by others"],
            ProvisionError,
            "canary.py: ~/.config/x.yml: is readable by others",
            id="a deploy that refuses a file of the control machine",
        ),
        pytest.param(
            [INSTALL, "[green] Command socket/SSH error: SSHException('SSH session not active',)",
             "[green] Error: executed 0 commands"],
            HostError,
            "green: the SSH connection was lost at: service install: unpack and install the commit",
            id="a lost connection",
        ),
        pytest.param([], ProvisionError, "canary.py: pyinfra ended without a word", id="silence"),
    ],
)  # fmt: skip
def test_a_failure_is_told_in_one_line(lines: list[str], kind: type[PipelineError], message: str) -> None:
    error = error_of(*lines)
    assert (type(error), error.message) == (kind, message)


@pytest.mark.parametrize("operation", [INSTALL, START, "--> Starting operation: Write nginx's site"])
@pytest.mark.parametrize("said", [(), ("[green] sudo",)], ids=["without a word", "with half a word"])
def test_what_fails_on_a_host_that_is_gone_is_the_host_s_fault(operation: str, said: tuple[str, ...]) -> None:
    lines = (operation, *said, "[green] Error: executed 0 commands")
    gone, there = error_of(*lines, answers=lambda _host: False), error_of(*lines)
    name = operation.removeprefix("--> Starting operation: ").rpartition(" | ")[2].strip()
    assert (type(gone), gone.message) == (HostError, f"green: the SSH connection was lost at: {name}")
    assert type(there) is not HostError
    assert (said[0].removeprefix("[green] ") if said else "executed 0 commands") in there.message


def test_pyinfra_that_is_killed_is_named_with_the_signal() -> None:
    error = error_of("--> Starting operation: Run HAProxy", "[blue] Skipped", code=-9)
    assert error.message == "canary.py: pyinfra was ended by SIGKILL"


@pytest.mark.parametrize(("operation", "step"), [(INSTALL, "install"), (START, "start")])
def test_a_service_that_does_not_install_is_told_from_one_that_does_not_start(
    operation: str, step: str
) -> None:
    error = error_of(operation, "[green] no", "[green] Error: executed 0 commands")
    assert isinstance(error, ServiceError)
    assert (error.host, error.step) == ("green", step)


@pytest.mark.parametrize(
    ("operation", "lines", "machine"),
    [
        pytest.param(INSTALL, ["+ npm ci", "npm ERR! code E404", "npm ERR! 404 Not Found"], False, id="code"),
        pytest.param(
            INSTALL, ["+ npm ci", "npm ERR! code ENOTFOUND", "npm ERR! network x"], True, id="names"
        ),
        pytest.param(INSTALL, ["+ npm ci", "npm ERR! code ENOSPC", "npm ERR! nospc"], True, id="disk"),
        pytest.param(
            INSTALL,
            [
                "+ pip install x",
                "WARNING: Retrying ...: [Errno 111] Connection refused",
                "ERROR: No matching x",
            ],
            True,
            id="a reason that comes before the last line",
        ),
        pytest.param(INSTALL, ["tar: short read"], True, id="before the service's own first command"),
        pytest.param(START, ["Failed to locate executable x"], False, id="start"),
    ],
)
def test_the_machines_fault_is_told_from_the_services(
    operation: str, lines: list[str], machine: bool
) -> None:
    error = error_of(operation, *(f"[green] {line}" for line in lines), "[green] Error: executed 1 commands")
    assert isinstance(error, ServiceError)
    assert error.machine is machine
    if machine and lines[0].startswith("+ "):
        assert machine_fault([error.message]), "the fault stands in the one line that is told"


def test_changes_are_told_by_host_in_their_order() -> None:
    operations = [
        {"name": "deploys/x.py | A", "success": ["blue", "green"]},
        {"name": "B", "success": ["blue"]},
    ]
    done = {"plan": [], "results": {"operations": operations}}
    planned = {"plan": [{"name": "A", "hosts_with_change": ["proxy"]}], "results": None}
    assert changes(json.dumps(done), INVENTORY) == {"proxy": [], "blue": ["A", "B"], "green": ["A"]}
    assert changes(json.dumps(planned), INVENTORY) == {"proxy": ["A"], "blue": [], "green": []}


def test_what_a_host_reports_is_collected_and_is_no_reason_of_a_failure() -> None:
    transcript = Transcript()
    for line in [START, '[blue] report: {"release": "abc"}', "[blue] report: {broken}", "[blue] Success",
                 '[green] report: {"a": 1}', "[green] no room", "[green] Error: executed 0 commands"]:  # fmt: skip
        transcript.read(f"    {line}\n")
    assert transcript.reports == {"blue": [{"release": "abc"}], "green": [{"a": 1}]}
    assert [failed.reason for failed in transcript.failures] == ["no room"]


def test_data_of_a_deploy_cannot_replace_how_a_host_is_reached() -> None:
    host = Host("blue", "203.0.113.9", data={"note": "x", "commit": "old"})
    data = connection(host, None, {"blue": {"ssh_hostname": "evil", "commit": "new"}})
    assert (data["ssh_hostname"], data["commit"], data["note"]) == ("203.0.113.9", "new", "x")


def test_a_host_that_refuses_ssh_is_named_and_the_log_kept(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connecting is refused
        here = Inventory({"proxy": (Host("proxy", "127.0.0.1", closed.getsockname()[1]),)})
        with pytest.raises(HostError, match=r"proxy: cannot be reached by SSH: Could not connect"):
            provision(
                here,
                Path(__file__).parents[3] / "deploys" / "canary_proxy.py",
                {},
                log=tmp_path / "logs" / "p.log",
                known_hosts=tmp_path / "known_hosts",
            )
    assert "Connecting to hosts" in (tmp_path / "logs" / "p.log").read_text()


def test_a_deploy_that_takes_too_long_ends_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It stands for the Python that runs pyinfra. The sleep keeps its standard error open.
    (tmp_path / "python").write_text(f"#!/bin/sh\nsleep 60 &\necho $! >{tmp_path}/pid\nwait\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ProvisionError, match="not done after 2 s"):
        provision(INVENTORY, Path("deploys/canary.py"), {}, log=tmp_path / "l", known_hosts=None, timeout=2)
    sleep = (tmp_path / "pid").read_text().strip()
    deadline = time.monotonic() + 5
    while _state(sleep) not in ("", "Z"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _state(pid: str) -> str:
    """The state of a process as proc(5) has it; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_values_that_are_code_never_reach_the_generated_inventory(tmp_path: Path) -> None:
    data = {"proxy": {"x": Path("/")}}
    with pytest.raises(PipelineError, match="proxy: its data holds more than plain text"):
        provision(INVENTORY, Path("deploys/canary.py"), data, log=tmp_path / "l", known_hosts=None)


def test_what_a_deploy_refused_by_itself_is_one_line_without_a_log_to_read() -> None:
    """A rollback with nothing to go back to: the log has the same sentence, between headings."""
    error = error_of("--> pyinfra error in /x/itrust.py line 51: green: nothing to go back to")
    assert (error.message, error.hint) == ("green: nothing to go back to", None)
