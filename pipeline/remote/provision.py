"""Runs one deploys/ file on an inventory, through pyinfra as a child process.

A child, because pyinfra brings gevent, which does not go together with asyncio. It is given a generated inventory
file; it gives back its own JSON (what changed) and its log (what failed).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from pipeline.base.child import ended, start, stop
from pipeline.base.errors import HostError, PipelineError, ProvisionError, ServiceError
from pipeline.base.files import naming
from pipeline.base.mask import hide
from pipeline.base.private import private_directory
from pipeline.base.step_hook import begins
from pipeline.inventory.file import python_groups
from pipeline.inventory.hosts import Host, Inventory
from pipeline.remote.transcript import HOST, SUDO, Failure, Transcript

__all__ = ["ProvisionResult", "changes", "connection", "failure", "provision"]

_Data = Mapping[str, Mapping[str, object]]
_ANSWER_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class ProvisionResult:
    """`changes`: names of the operations that changed something (`dry_run`: would), by host name, in their order.

    `seconds`: wall time. `reports`: by host name, the documents that its deploy logged as `report: {json}`.
    """

    changes: Mapping[str, Sequence[str]]
    seconds: float
    reports: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, int]:
        """How many operations changed something, by host name."""
        return {host: len(names) for host, names in self.changes.items()}


def provision(
    inventory: Inventory,
    deploy: Path,
    data: _Data,
    *,
    log: Path,
    known_hosts: Path | None,
    say: Callable[[str], None] = lambda _: None,
    dry_run: bool = False,
    timeout: float = 900.0,
) -> ProvisionResult:
    """Run `deploy` on all hosts of `inventory`, and wait until it is done.

    An exception raised into the call (such as KeyboardInterrupt) ends the child first.

    Args:
        inventory: The hosts.
        deploy: A file of deploys/.
        data: What each host's deploy reads, by host name: plain values only (text, numbers, lists, dicts).
        log: Gets pyinfra's whole output, readable by its owner only.
        known_hosts: The lab's own file of host keys, or None for each host's own or the user's. New keys are
            accepted and kept, changed ones refused.
        say: Gets each operation's name as it starts, and again with what it is at where it tells that.
        dry_run: Only find out what would change.
        timeout: The longest it may take, in seconds.

    Returns:
        What was (or would be) changed, and what the deploys reported.

    Raises:
        HostError: A host cannot be reached, or an operation named "host: ..." failed there.
        ServiceError: An operation named "service STEP: ..." failed; its `step` is "install" or "start".
        ProvisionError: Anything else failed, or it took too long.
    """
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    if known_hosts is not None:
        known_hosts.parent.mkdir(parents=True, exist_ok=True)
        known_hosts.touch(mode=0o600)
    with private_directory() as private:
        hosts_file = private / "hosts.py"
        hosts_file.touch(mode=0o600)
        hosts_file.write_text(python_groups(inventory, lambda host: connection(host, known_hosts, data)))
        # pyinfra without --yes, given --json, says what it would do and does nothing.
        command = [sys.executable, "-m", "pyinfra", "--json", "--dry" if dry_run else "--yes"]
        command += [str(hosts_file), str(deploy.resolve())]
        log.touch(mode=0o600)
        with naming(log), log.open("a", encoding="utf-8") as log_file:
            code, output, transcript = _run(command, deploy, log_file, say, timeout)
    if code != 0 or transcript.failures:
        raise failure(transcript, deploy, log, inventory, code=code, answers=_answers)
    return ProvisionResult(changes(output, inventory), time.monotonic() - started, transcript.reports)


def connection(host: Host, known_hosts: Path | None, data: _Data) -> dict[str, object]:
    """The pyinfra data of one host: how to reach it, and what its deploy reads."""
    ssh: dict[str, object] = {
        "ssh_hostname": host.address,
        "ssh_port": host.port,
        "ssh_user": host.user,
        "ssh_strict_host_key_checking": "accept-new",
    }
    if (keys := host.known_hosts or known_hosts) is not None:
        ssh["ssh_known_hosts_file"] = str(keys.resolve())
    if host.key is not None:
        ssh["ssh_key"] = str(host.key.expanduser().resolve())
    if host.private_address != host.address:
        ssh["private_address"] = host.private_address
    return {**host.data, **data.get(host.name, {}), **ssh}


def _run(
    command: list[str], deploy: Path, log: IO[str], say: Callable[[str], None], timeout: float
) -> tuple[int, str, Transcript]:
    """Run pyinfra to its end.

    Args:
        command: Program and arguments.
        deploy: The file of deploys/ that it runs.
        log: Gets its whole log.
        say: Gets each operation's name as it starts, and again with what it is at.
        timeout: The longest it may take, in seconds.

    Returns:
        Its exit code, its standard output (JSON), and what its log told.
    """
    transcript = Transcript()
    with tempfile.TemporaryFile() as output:
        child = start(
            command,
            stdout=output,
            stderr=subprocess.PIPE,
            # The deploys import each other as `deploys.X`, which pyinfra finds in the working directory.
            cwd=deploy.resolve().parent.parent,
            env={**os.environ, "PYINFRA_PROGRESS": "off", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert child.stderr is not None  # noqa: S101 - it is a pipe
        lines = io.TextIOWrapper(child.stderr, errors="replace")
        with ended(child), _limited(child, timeout, transcript):
            for line in map(hide, lines):
                log.write(line)
                log.flush()
                operation = transcript.read(line)
                if operation:
                    begins(f"operation {operation}")
                    say(operation)
                elif transcript.progress:
                    say(": ".join(filter(None, (transcript.operation, transcript.progress))))
                if transcript.unreachable:
                    # pyinfra would go on with the other hosts: without this one that work is of no use.
                    break
            else:
                child.wait()
        output.seek(0)
        return child.returncode, output.read().decode(), transcript


@contextlib.contextmanager
def _limited(child: subprocess.Popen[bytes], seconds: float, transcript: Transcript) -> Iterator[None]:
    """End the child and all that it started after `seconds`, and note that as a failure."""

    def too_late() -> None:
        transcript.failures.append(Failure("", "", f"not done after {seconds:g} s"))
        stop(child, patience=0)

    timer = threading.Timer(seconds, too_late)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def changes(output: str, inventory: Inventory) -> dict[str, list[str]]:
    """The operations that changed (or would change) something, by host, from pyinfra's JSON."""
    report = json.loads(output)
    names: dict[str, list[str]] = {host.name: [] for host in inventory}
    done = report["results"] is not None
    for operation in report["results"]["operations"] if done else report["plan"]:
        # pyinfra puts the file in front of what an included one does.
        name = operation["name"].rpartition(" | ")[2].strip()
        for host in operation["success" if done else "hosts_with_change"]:
            names[host].append(name)
    return names


def _answers(host: Host) -> bool:
    """Whether something listens where its SSH server does."""
    try:
        with socket.create_connection((host.address, host.port), timeout=_ANSWER_SECONDS):
            return True
    except OSError:
        return False


def failure(
    transcript: Transcript,
    deploy: Path,
    log: Path,
    inventory: Inventory,
    *,
    code: int = 1,
    answers: Callable[[Host], bool] = lambda _host: True,
) -> PipelineError:
    """The error that says what failed, in one line: the first host that did, in the inventory's order.

    Args:
        transcript: What pyinfra's log told.
        deploy: The file of deploys/ that it ran.
        log: Where the whole log is.
        inventory: The hosts.
        code: How pyinfra ended; below 0 by that signal.
        answers: Whether a host can be reached. Of one that is gone, a command's last words say nothing.
    """
    order = {host.name: index for index, host in enumerate(inventory)}
    failures = sorted(transcript.failures, key=lambda f: order.get(f.host, len(order)))
    hint = f"read the whole output: less {log}"
    if not failures:
        refused = next((name for name in order if transcript.last.startswith(f"{name}: ")), None)
        if refused is not None:  # the deploy itself, before it changed anything: the log says no more
            return ProvisionError(transcript.last, hosts=[refused])
        if code < 0:
            return ProvisionError(
                f"{deploy.name}: pyinfra was ended by {signal.Signals(-code).name}", hint=hint
            )
        return ProvisionError(
            f"{deploy.name}: {transcript.last or 'pyinfra ended without a word'}", hint=hint
        )
    first = failures[0]
    if first.host and first.unreachable:
        return HostError(first.host, f"cannot be reached by SSH: {first.reason}", hint=hint)
    if first.host and first.operation == SUDO:
        user = next((host.user for host in inventory if host.name == first.host), "the user")
        return HostError(
            first.host,
            f"sudo asks {user} for a password, and nobody is there to type it",
            hint=f"let sudo ask none there: sudo visudo -f /etc/sudoers.d/pipeline, {user} ALL=(ALL) NOPASSWD: ALL",
        )
    if first.host and first.operation.startswith(HOST):
        alike = [f.host for f in failures if (f.operation, f.reason) == (first.operation, first.reason)]
        return HostError(" and ".join(dict.fromkeys(alike)), first.reason, hint=hint)
    host = next((host for host in inventory if host.name == first.host), None)
    if host is not None and (first.lost or not answers(host)):
        return HostError(host.name, f"the SSH connection was lost at: {first.operation}", hint=hint)
    step = re.match(r"service (install|start): ", first.operation)
    if first.host and step:
        verb = "installed" if step[1] == "install" else "started"
        # Before the service's own first command there is only the host that can be at fault.
        machine = first.machine or (step[1] == "install" and not first.command)
        said = f"the service could not be {verb}: {first.reason}"
        return ServiceError(first.host, step[1], said, machine=machine, hint=hint)
    where = ", ".join(part for part in (first.host, first.operation) if part)
    return ProvisionError(
        f"{deploy.name}: {where + ': ' if where else ''}{first.reason}",
        hosts=[f.host for f in failures if f.host],
        hint=hint,
    )
