"""The service under test on blue or green: one commit's tree, installed by one user and run by another.

Data of the host: `archive` (tar.gz of the tree, on this machine), `commit` (its full hash), `install` (list
of commands, each a list of words), `start` (one such command), `port` (the service's), `environment` (name -> text),
`packages` (Debian's), `service_user` (default canary), `install_timeout` (seconds, default 300), `again` (a word:
install once more what was installed with another one), `port_from`, `closed`, `firewall` (canary_firewall.py).

On the host: /srv/canary/releases/COMMIT, which root owns once it is installed, `current` -> one of them,
canary.service. The service writes only in /var/lib/canary/COMMIT, its home, and in a /tmp of its own. The same data
again changes nothing. Operations are named "host: ...", "service install: ..." and "service start: ...", so that
a failure of one is told from a failure of the other. Whether the service then answers is for the caller to find out: a
unit that crashes and is started again and again does not keep this deploy waiting.
"""

import hashlib
import json
import re
from collections.abc import Generator
from pathlib import Path

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import config, host
from pyinfra.facts.server import Command
from pyinfra.operations import files, server, systemd
from pyinfra.operations.util import any_changed

from deploys.kit import packages
from deploys.kit.places import TEMPLATES
from deploys.kit.quoting import environment_file, install_script, systemd_command
from deploys.kit.ready import ready
from deploys.kit.registries import registries
from deploys.kit.releases import ensure_user, release, secret_file

# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"

BASE = "/srv/canary"
STATE = "/var/lib/canary"
ENVIRONMENT = f"{BASE}/environment"
STARTED = f"{BASE}/started"

# systemctl says only that it failed; the journal says why.
RESTART = (
    "systemctl restart canary.service ||"
    " { journalctl -u canary.service -n 20 -o cat --no-pager | grep -E 'Failed (to|at)' | head -1; exit 1; }"
)


user = str(host.data.get("service_user") or "canary")
commit = str(host.data.get("commit") or "")
if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
    raise DeployError(f"{host.name}: commit {commit!r} is not a commit's hash")
again = str(host.data.get("again") or "")
port = int(host.data.get("port") or 0)
if not 0 < port < 65536:
    raise DeployError(f"{host.name}: port {port} is no port")
archive = Path(str(host.data.get("archive") or ""))
if not archive.is_file():
    raise DeployError(f"{host.name}: no archive {str(archive)!r}")

release_directory = f"{BASE}/releases/{commit}"
asked = registries(host.data.get("install") or [], host.data.get("environment") or {}, archive)
curl = ["curl"] if asked else []
packages.ensure(["ca-certificates", *curl, *(host.data.get("packages") or [])])

# Not the service's own user: what runs could otherwise write into what is being installed.
builder = f"{user}-build"
ensure_user(user, BASE)
ensure_user(builder, BASE, groups=[user])

variables: dict[str, object] = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
# Where the host has certificate authorities of its own, programs with a list of theirs must be told.
if host.get_fact(Command, "ls /usr/local/share/ca-certificates 2>/dev/null || true"):
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    variables |= {"NODE_EXTRA_CA_CERTS": bundle, "PIP_CERT": bundle}
variables |= host.data.get("environment") or {}
environment = environment_file(variables)
command = systemd_command(host.data.get("start") or [], f"{BASE}/current")
install = install_script(host.data.get("install") or [], release_directory, ENVIRONMENT)


@operation()
def restart(fingerprint: str) -> Generator[StringCommand, None, None]:
    """Restart the service, unless what runs was started with the same `fingerprint`."""
    if host.get_fact(Command, f"cat {STARTED} 2>/dev/null || true") == fingerprint:
        host.noop("this is what was started")
        return
    # reset-failed: NRestarts starts from 0 with each deploy.
    yield StringCommand("systemctl reset-failed canary.service 2>/dev/null || true")
    # What another version wrote there is nothing to begin with.
    yield StringCommand("systemctl stop canary.service 2>/dev/null || true")
    yield StringCommand(f"! test -d {STATE} || find {STATE} -mindepth 1 -maxdepth 1 -exec rm -rf {{}} +")
    yield StringCommand(RESTART)
    yield StringCommand("echo", fingerprint, ">", STARTED)


secrets = secret_file(
    name="host: write the environment",
    content=environment,
    path=ENVIRONMENT,
    group=user,
)
# The environment, too, decides what an install does; and who owned it then, who could have changed it since.
recipe = hashlib.sha256(json.dumps([install, environment, builder, again]).encode()).hexdigest()
ready(
    name="host: disk, port and registry",
    base=BASE,
    port=port,
    unit="canary.service",
    user=builder,
    environment=ENVIRONMENT,
    asked=asked,
    release=commit,
    fingerprint=recipe,
)
installed = release(
    name="service install: unpack and install the commit",
    app=builder,
    reader=user,
    directory=BASE,
    archive=str(archive),
    identifier=commit,
    script=install,
    fingerprint=recipe,
    timeout=int(host.data.get("install_timeout") or 300),
)
current = files.link(
    name="host: point `current` at it",
    path=f"{BASE}/current",
    target=release_directory,
)
unit = files.template(
    name="host: write the unit",
    src=str(TEMPLATES / "canary.service.j2"),
    dest="/etc/systemd/system/canary.service",
    mode="644",
    service_user=user,
    commit=commit,
    directory=f"{BASE}/current",
    state=Path(STATE).name,
    environment=ENVIRONMENT,
    command=command,
)
systemd.daemon_reload(name="host: reload systemd", _if=unit.did_change)
server.shell(
    name="host: note that it is to be restarted",
    commands=[f"rm -f {STARTED}"],
    _if=any_changed(secrets, installed, current, unit),
)
restart(
    name="service start: restart the service",
    fingerprint=hashlib.sha256(json.dumps([commit, install, environment, command]).encode()).hexdigest(),
)
systemd.service(name="service start: run the service", service="canary.service", running=True, enabled=True)
