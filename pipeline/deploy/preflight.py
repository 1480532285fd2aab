"""Whether every host can be deployed to: asked of all at once, before any is changed."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipeline.base.errors import EnvironmentError_
from pipeline.base.text import reason_of
from pipeline.deploy.applications import Application
from pipeline.inventory.hosts import Host
from pipeline.remote.ask import Answer, ask, ask_all

__all__ = ["check_hosts", "problems_of_facts"]

_SECONDS = 30  # for all of it on one host: a connection has 10 s of them

# Read-only, one word a line: name=value. Nothing of the user's is in it.
_SCRIPT = """
. /etc/os-release 2>/dev/null
echo "system=${ID:-unknown} ${VERSION_ID:-}"
[ -d /run/systemd/system ] && echo "systemd=yes" || echo "systemd=no"
[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null && echo "root=yes" || echo "root=no"
echo "memory=$(($(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo) / 1024))"
at=/srv; [ -d $at ] || at=/
echo "disk=$(($(df -Pk $at | awk 'NR == 2 {print $4}') / 1024))"
"""


def check_hosts(app: Application, hosts: Sequence[Host], known_hosts: Path, *, room: bool = True) -> None:
    """Connect to all hosts at once, and see whether each can be deployed to.

    Args:
        app: The application.
        hosts: Its hosts.
        known_hosts: The file for the keys of hosts that name none of their own.
        room: Whether memory and disk matter.

    Raises:
        EnvironmentError_: With a line for each problem of each host, `FILE:LINE: host: what is wrong`.
    """
    for file in {host.known_hosts or known_hosts for host in hosts}:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    lines, hints = [], []
    for host, (found, hint) in ask_all(hosts, lambda host: _problems_of(app, host, known_hosts, room)):
        lines += [": ".join(part for part in (host.where, host.name, problem) if part) for problem in found]
        hints += [hint] if hint else []
    if lines:
        raise EnvironmentError_("\n".join(lines), hint=hints[0] if hints else None)


def _problems_of(app: Application, host: Host, known_hosts: Path, room: bool) -> tuple[list[str], str]:
    """What keeps this host from being deployed to, and the next thing to type."""
    address = f"{host.user}@{host.address}:{host.port}"
    try:
        # ssh itself would say less about an address that nobody has, and later
        socket.create_connection((host.address, host.port), timeout=5).close()
    except OSError as error:
        if not _through_ssh_config(host):
            return [f"cannot be reached by SSH at {host.address}:{host.port}: {reason_of(error)}"], ""
    answer = ask(host, "sh -s", known_hosts=known_hosts, seconds=_SECONDS, stdin=_SCRIPT)
    if answer.status is None:
        return [f"{address} did not answer within {_SECONDS} s"], ""
    if answer.status != 0:
        return _refused(host, address, answer, (host.known_hosts or known_hosts).resolve())
    facts = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    return problems_of_facts(app, host.user, facts, room=room)


def _through_ssh_config(host: Host) -> bool:
    """Whether the user's SSH configuration leads elsewhere: a jump host, or an alias of the real address."""
    done = subprocess.run(
        ["ssh", "-G", "-p", str(host.port), "-l", host.user, "--", host.address],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    settings = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    there = settings.get("hostname", host.address)
    return "proxyjump" in settings or "proxycommand" in settings or there != host.address.lower()


def _refused(host: Host, address: str, answer: Answer, known_hosts: Path) -> tuple[list[str], str]:
    """Why SSH was refused, and what to do about it."""
    last = answer.said("no message")
    changed = ("REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed")
    if any(words in answer.stderr for words in changed):
        name = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
        return (
            [f"{address}: its host key is not the one that is known: was it built anew?"],
            f"if so: ssh-keygen -f {known_hosts} -R '{name}'",
        )
    if "Permission denied" in last:
        key = f"the key {host.key}" if host.key else "your keys"
        tried = f"-i {shlex.quote(str(host.key))} " if host.key else ""
        return (
            [f"{address} does not take {key}: {last.removeprefix(f'{host.user}@{host.address}: ')}"],
            f"by hand: ssh {tried}-p {host.port} {host.user}@{host.address} true",
        )
    return [f"{address}: SSH failed: {last}"], ""


def problems_of_facts(
    app: Application, user: str, facts: dict[str, str], *, room: bool = True
) -> tuple[list[str], str]:
    """What is not as needed on a host that answers. `facts` is what _SCRIPT printed."""
    found, hint = [], ""
    if facts.get("system") != "debian 12":
        found.append(f"is {facts.get('system', 'an unknown system')}, not debian 12")
    elif facts.get("systemd") != "yes":
        found.append("systemd does not run there")
    if facts.get("root") != "yes":
        found.append(f"sudo asks {user} for a password, or is not there: it must work without one")
        hint = f"on the host, as root: echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}"
    for name, need, what in (("memory", app.memory, "of memory"), ("disk", app.disk, "free on disk")):
        value = facts.get(name, "")
        if room and re.fullmatch(r"\d+", value) and int(value) < need:
            found.append(f"has {value} MB {what}; {app.name} needs at least {need} MB")
    return found, hint
