"""How the monitor reaches the exporters: one SSH connection a host, with a key that opens their ports and nothing else.

On the monitor: user `tunnels`, /etc/tunnels/{key,HOST.conf,HOST.keys}, tunnel@HOST.service. On a host: user
`exporters`, whose one key may only forward to the exporters' ports. The monitor learns the hosts' keys, and the
hosts the monitor's, through the operator's own connections.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.kept import Kept, kept
from deploys.kit.places import TEMPLATES
from deploys.watch.exporters import USER
from deploys.watch.scraped import Monitored, loopback, ports_of

__all__ = ["authorized", "configuration", "endpoint", "kept_tunnels", "key", "plain"]

_BASE: Final = "/etc/tunnels"
_HOME: Final = "/var/lib/exporters"
_PUBLIC: Final = f"{_BASE}/key.pub"
_UNIT: Final = "/etc/systemd/system/tunnel@.service"
# More restrictions than a key can have: no UNIX sockets, and no listening port on the host.
_DAEMON: Final = f"""\
# Written by deploys/watch/tunnels.py; changes made here are lost.
Match User {USER}
    AuthenticationMethods publickey
    AllowTcpForwarding local
    AllowStreamLocalForwarding no
    AllowAgentForwarding no
    X11Forwarding no
    PermitTTY no
"""
_PUBLIC_KEY: Final = re.compile(r"ssh-ed25519 [A-Za-z0-9+/=]{40,}")
_HOST_KEY: Final = re.compile(r"^(?:ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+", re.MULTILINE)


def endpoint(other: Host) -> tuple[str, int]:
    """Where the monitor finds a host's SSH: `monitor_address`, else `private_address`, else where we find it."""
    data = other.data
    if data.get("monitor_address"):
        return plain(str(data.get("monitor_address"))), 22
    if data.get("private_address") not in (None, "", data.get("ssh_hostname")):
        return plain(str(data.get("private_address"))), 22
    return plain(str(data.get("ssh_hostname") or other.name)), int(data.get("ssh_port") or 22)


def plain(address: str) -> str:
    """`address`, unless ssh could read it as something else: then DeployError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:-]*", address):
        raise DeployError(f"{address!r} is no address at which the monitor could reach a host")
    return address


@operation()
def key() -> Generator[StringCommand, None, None]:
    """The monitor's own key, made there, and the user that uses it."""
    if host.get_fact(Command, f"cat {_PUBLIC} 2>/dev/null || true"):
        host.noop("the key is there")
        return
    yield StringCommand(
        "id -u tunnels >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /nonexistent"
        " --shell /usr/sbin/nologin tunnels;"
        f" install -d -m 755 {_BASE} && rm -f {_BASE}/.new {_BASE}/.new.pub &&"
        f" ssh-keygen -q -t ed25519 -N '' -C monitor -f {_BASE}/.new &&"
        f" chown tunnels: {_BASE}/.new && mv {_BASE}/.new {_BASE}/key && mv {_BASE}/.new.pub {_PUBLIC}"
    )


def _public_key(monitor: Host) -> str:
    """The monitor's public key; empty where it has none yet."""
    if not monitor.connected:
        return ""
    told = monitor.get_fact(Command, f"cat {_PUBLIC} 2>/dev/null || true", _sudo=False)
    found = _PUBLIC_KEY.match(told or "")
    return found[0] if found else ""


@operation()
def authorized(monitor: Host, ports: Sequence[int]) -> Generator[StringCommand, None, None]:
    """The monitor may connect to these ports of this host's loopback, and to nothing else.

    Where the monitor does not take part in this run (`--limit`), what is there stays.
    """
    public = _public_key(monitor)
    if not public:
        if not monitor.connected:
            host.noop("the monitor is not among the hosts of this run")
        elif host.state.is_executing:
            yield StringCommand("echo", "'the monitor has no key yet: run this without --serial' >&2; exit 1")
        else:
            yield StringCommand("true")  # pyinfra only looks now; the key will be there when this runs
        return
    opens = ",".join(f'permitopen="127.0.0.1:{port}"' for port in sorted(ports))
    what = Kept(users={USER: _HOME})
    what.file(f"{_HOME}/.ssh/authorized_keys", f"restrict,port-forwarding,{opens} {public} monitor\n")
    limits = what.file("/etc/ssh/sshd_config.d/pipeline-exporters.conf", _DAEMON)
    what.units["ssh.service"] = {"reread": [limits], "where_it_runs": True}
    what.test = [["/usr/sbin/sshd", "-t"]]
    yield from kept._inner(what=what)


def _host_keys(other: Host) -> str:
    """The public keys by which a host is known, one a line; empty where it is not connected."""
    if not other.connected:
        return ""
    told = other.get_fact(Command, "cat /etc/ssh/ssh_host_*_key.pub", _sudo=False)
    return "".join(f"{found}\n" for found in sorted(_HOST_KEY.findall(told or "")))


def kept_tunnels(what: Kept, hosts: Sequence[tuple[Monitored, Host]]) -> None:
    """Add the tunnels to `hosts` to what the monitor keeps; tunnels to other hosts are removed."""
    text = (TEMPLATES / "tunnel.service").read_text(encoding="utf-8")
    unit = what.file(_UNIT, text)
    what.only += [f"{_BASE}/*.conf", f"{_BASE}/*.keys"]
    what.only_units = "tunnel@*.service"
    for monitored, other in hosts:
        name = monitored.name
        known = f"{_BASE}/{name}.keys"
        told = _host_keys(other)
        if told:
            what.file(known, "".join(f"{name} {line}\n" for line in told.splitlines()))
        else:
            what.spared.append(known)
        written = what.file(f"{_BASE}/{name}.conf", configuration(monitored, endpoint(other)))
        what.units[f"tunnel@{name}.service"] = {"files": [unit, written, known], "patient": True}


def configuration(monitored: Monitored, there: tuple[str, int]) -> str:
    """The text of HOST.conf, for ssh."""
    lines = [
        f"HostName {there[0]}",
        f"Port {there[1]}",
        f"User {USER}",
        f"HostKeyAlias {monitored.name}",
        f"UserKnownHostsFile {_BASE}/{monitored.name}.keys",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        f"IdentityFile {_BASE}/key",
        "IdentitiesOnly yes",
        "BatchMode yes",
        # Otherwise it would log at each scrape that the slot which does not run refuses.
        "LogLevel ERROR",
        "ConnectTimeout 5",
        # A host that disappears is noticed within 15 s.
        "ServerAliveInterval 5",
        "ServerAliveCountMax 3",
        "ExitOnForwardFailure yes",
    ]
    address = loopback(monitored.name)
    lines += [f"LocalForward {address}:{port} 127.0.0.1:{port}" for port in ports_of(monitored)]
    head = "# Written by deploys/watch/tunnels.py; changes made here are lost.\n"
    return head + "".join(f"{line}\n" for line in lines)
