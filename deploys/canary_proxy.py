"""HAProxy in front of blue and green: one port, switched at run time, no request lost or repeated.

Data of the host: `blue`, `green` (address:port as the proxy reaches them), `public_path` (default /preview),
`public_port` (8080), `runtime_user` (who may use the runtime API without sudo; default: the SSH user).

The traffic follows three maps, changed through /run/haproxy/admin.sock with `set map FILE KEY VALUE`:
/etc/haproxy/active.map (`active` -> blue, green, or both: each request by chance), /etc/haproxy/share.map (`green` ->
how many of a million requests it gets while both are active) and /etc/haproxy/routes.map (colour -> the path that means
`public_path` there). The files belong to `runtime_user`, who writes a switch to one colour along, so that a restart
keeps it; `both` is never written, so a restart is never on both.
"""

import hashlib
import re
import shlex
from collections.abc import Generator
from io import StringIO

from pyinfra.api.command import FileUploadCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import config, host
from pyinfra.facts.files import File
from pyinfra.facts.server import Command
from pyinfra.operations import files, systemd

from deploys.kit import packages
from deploys.kit.facts import PROXY_PORT
from deploys.kit.quoting import haproxy_address, haproxy_path, haproxy_word
from deploys.kit.rendering import render

# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"

CONFIG = "/etc/haproxy/haproxy.cfg"
SOCKET = "/run/haproxy/admin.sock"

packages.ensure(["haproxy"])


runtime_user = str(host.data.get("runtime_user") or host.data.get("ssh_user") or "root")
if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", runtime_user):
    raise DeployError(f"{host.name}: runtime_user {runtime_user!r} is no user's name")


@operation()
def checked_config(content: str) -> Generator[FileUploadCommand | StringCommand, None, None]:
    """Write and load HAProxy's configuration; one that it does not accept never replaces the running one."""
    sums = f"sha256sum < {CONFIG} 2>/dev/null; stat -c 'owner %U' {SOCKET} 2>/dev/null || true"
    state = (host.get_fact(Command, sums) or "").split()
    # Debian's package starts HAProxy with a socket of another owner, which a reload would keep.
    foreign = "owner" in state and state[-1] != runtime_user
    if hashlib.sha256(content.encode()).hexdigest() in state and not foreign:
        host.noop("the configuration is the same")
        return
    new, old = f"{CONFIG}.new", f"{CONFIG}.old"
    yield FileUploadCommand(StringIO(content), new, remote_temp_filename=host.get_temp_filename(new))
    yield StringCommand("haproxy", "-c", "-q", "-f", new)
    # In one command: a deploy that is cut short must not leave a new file that is not loaded.
    load = f"systemctl {'restart' if foreign else 'reload-or-restart'} haproxy.service"
    yield StringCommand(
        f"cp -p {CONFIG} {old} && mv {new} {CONFIG} && {load} || {{ mv {old} {CONFIG}; exit 1; }}"
    )


public_path = haproxy_path(host.data.get("public_path") or "/preview")
public_port = int(host.data.get("public_port") or PROXY_PORT)
servers = []
for colour in ("blue", "green"):
    if not host.data.get(colour):
        raise DeployError(f"{host.name}: no data '{colour}' (address:port of the service there)")
    servers.append((colour, haproxy_address(host.data.get(colour), colour)))

public_word = haproxy_word(public_path)
routed = f"path -m str {public_word} }}"  # as in the template
known = host.get_fact(Command, f"grep -cF {shlex.quote(routed)} {CONFIG} 2>/dev/null || true")
of_another_service = (known or "0") == "0"

# A map that is there holds the state of the last switch, and is not written over; but the routes of another service
# mean nothing to this one.
for path, content, stale in (
    ("/etc/haproxy/active.map", "active blue\n", False),
    ("/etc/haproxy/share.map", "green 0\n", False),
    ("/etc/haproxy/routes.map", f"blue {public_path}\ngreen {public_path}\n", of_another_service),
):
    if stale or not host.get_fact(File, path=path):
        files.put(
            name=f"Create {path}",
            src=StringIO(content),
            dest=path,
            user=runtime_user,
            mode="644",
        )
    else:  # who deploys now may be another than who did
        files.file(name=f"Give {path} to {runtime_user}", path=path, user=runtime_user, mode="644")

# Not files.template, which cannot let HAProxy check the result before it is in place.
checked_config(
    name="Write haproxy.cfg, checked, and load it",
    content=render(
        "haproxy.cfg.j2",
        runtime_user=runtime_user,
        public_path=public_path,
        public_word=public_word,
        public_port=public_port,
        servers=servers,
    ),
)
systemd.service(name="Run HAProxy", service="haproxy.service", running=True, enabled=True)
