"""Runs the verification suite (tests/infra) on the hosts of an application, and reads back what it found."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.child import ended, start
from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, InventoryError
from pipeline.base.lock import inventory_lock
from pipeline.base.places import ROOT, log_file, state_directory
from pipeline.base.private import private_directory
from pipeline.base.text import last_line
from pipeline.deploy.applications import Application
from pipeline.deploy.preflight import check_hosts
from pipeline.deploy.target_hosts import target_hosts
from pipeline.inventory.hosts import Host

__all__ = ["Check", "verify"]

_LINE_EVERY = 10.0  # seconds between lines where there is no terminal
_ENDED = (0, 1)  # pytest(1): all passed, or some did not


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one host. `outcome`: passed, failed or skipped; `reason`: why, or what a passed one noted."""

    host: str
    title: str
    outcome: str
    reason: str = ""


def verify(
    app: Application,
    inventory: Path,
    progress: Progress,
    *,
    limit: Sequence[str] = (),
    options: Sequence[str] = (),
) -> list[Check]:
    """Every check of the suite on every host of the application's group, in the suite's order.

    `options` are the suite's own: --reboot, --disruptive. Nothing else may change the hosts meanwhile. Raises
    EnvironmentError_ where the suite itself could not run.
    """
    hosts = target_hosts(app, inventory, limit)
    state = state_directory()
    with inventory_lock(state, inventory):
        progress.say(f"checking {app.name} on {', '.join(host.name for host in hosts)}")
        check_hosts(app, hosts, state / "known_hosts", room=False)
        groups: dict[tuple[bool, int], list[Host]] = {}
        for host in hosts:
            groups.setdefault((host.user == "root", _port_of(app, host)), []).append(host)
        found: list[Check] = []
        for (root, listen), members in groups.items():
            arguments = [*options, f"--listen={listen}", *([] if root else ["--sudo"])]
            found += _run_suite(app, members, arguments, progress)
    return found


def _port_of(app: Application, host: Host) -> int:
    text = str(host.data.get("listen", app.listen))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise InventoryError(f"{host.where}: listen {text!r} is no port (1 to 65535)")
    return int(text)


def _run_suite(
    app: Application, hosts: Sequence[Host], arguments: Sequence[str], progress: Progress
) -> list[Check]:
    """One run of pytest, for hosts that need the same arguments."""
    # A name of the user's choice may be no host part of a URL, nor a word of an SSH configuration.
    names = {
        host.name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", host.name) else f"host{n}": host
        for n, host in enumerate(hosts)
    }
    log = log_file(f"verify-{app.key}", hosts[0].name)
    with private_directory() as private:
        config, report = private / "ssh_config", private / "report"
        config.write_text("".join(_ssh_config(name, host) for name, host in names.items()))
        report.touch()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            "tests/infra/pytest.ini",
            f"tests/infra/test_{app.key}.py",
            "-q",
            f"--hosts={','.join(f'paramiko://{name}' for name in names)}",
            f"--ssh-config={config}",
            f"--pipeline-report={report}",
            *arguments,
        ]
        log.touch(mode=0o600)
        # Neither the user's variables nor a pytest.ini or pyproject.toml above the suite has a say in it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        with log.open("wb") as output:
            child = start(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env=environment)
            with ended(child):
                _follow(child, report, progress)
        found = [Check(**json.loads(line)) for line in report.read_text().splitlines()]
    if child.returncode not in _ENDED or not found:
        said = last_line(log.read_text(errors="replace"), f"pytest ended with {child.returncode}")
        raise EnvironmentError_(f"the suite did not run: {said}", hint=f"less {log}")
    real = {name: host.name for name, host in names.items()}
    return [Check(real.get(c.host, c.host), c.title, c.outcome, c.reason) for c in found]


def _follow(child: subprocess.Popen[bytes], report: Path, progress: Progress) -> None:
    """Tells how many checks are done until the child ends."""
    told = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.5)
        count = report.read_bytes().count(b"\n")
        if child.returncode is not None:
            progress.say(f"{count} checks done")
            return
        progress.detail(f"{count} checks done")
        if not progress.console.is_terminal and time.monotonic() - told >= _LINE_EVERY:
            told = time.monotonic()
            progress.say(f"  {count} checks done")


def _ssh_config(name: str, host: Host) -> str:
    """How `name` is reached, as ssh_config(5) has it."""
    known_hosts = (host.known_hosts or state_directory() / "known_hosts").resolve()
    lines = [
        f"HostName {host.address}",
        f"Port {host.port}",
        f"User {host.user}",
        f'UserKnownHostsFile "{known_hosts}"',
        "StrictHostKeyChecking accept-new",
        "BatchMode yes",
    ]
    if host.key is not None:
        lines += [f'IdentityFile "{host.key.expanduser().resolve()}"', "IdentitiesOnly yes"]
    return "\n".join([f"Host {name}", *(f"  {line}" for line in lines), ""])
