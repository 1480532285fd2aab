"""The service under test on blue or green: one commit's tree, installed and run by a user of its own.

Data of the host: `archive` (tar.gz of the tree, on this machine), `commit` (its full hash), `install` (list
of commands, each a list of words), `start` (one such command), `environment` (name -> text), `packages`
(Debian's), `service_user` (default canary), `install_timeout` (seconds, default 300).

On the host: /srv/canary/releases/COMMIT, `current` -> one of them, canary.service. The same data again
changes nothing. Operations are named "service install: ..." and "service start: ...", so that a failure of
one is told from a failure of the other. Whether the service then answers is for the caller to find out: a
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
from deploys.kit.releases import ensure_user, release, secret_file

# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"

BASE = "/srv/canary"
HOME = f"{BASE}/home"
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
archive = Path(str(host.data.get("archive") or ""))
if not archive.is_file():
    raise DeployError(f"{host.name}: no archive {str(archive)!r}")

release_directory = f"{BASE}/releases/{commit}"
packages.ensure(["ca-certificates", *(host.data.get("packages") or [])])

ensure_user(user, BASE)

variables: dict[str, object] = {"HOME": HOME, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
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
    yield StringCommand(RESTART)
    yield StringCommand("echo", fingerprint, ">", STARTED)


secrets = secret_file(
    name="service install: write the environment",
    content=environment,
    path=ENVIRONMENT,
    group=user,
)
installed = release(
    name="service install: unpack and install the commit",
    app=user,
    directory=BASE,
    archive=str(archive),
    identifier=commit,
    script=install,
    # The environment, too, decides what an install does.
    fingerprint=hashlib.sha256(json.dumps([install, environment]).encode()).hexdigest(),
    timeout=int(host.data.get("install_timeout") or 300),
)
current = files.link(
    name="service install: point `current` at it",
    path=f"{BASE}/current",
    target=release_directory,
)
unit = files.template(
    name="service start: write the unit",
    src=str(TEMPLATES / "canary.service.j2"),
    dest="/etc/systemd/system/canary.service",
    mode="644",
    service_user=user,
    commit=commit,
    directory=f"{BASE}/current",
    environment=ENVIRONMENT,
    command=command,
)
systemd.daemon_reload(name="service start: reload systemd", _if=unit.did_change)
server.shell(
    name="service start: note that it is to be restarted",
    commands=[f"rm -f {STARTED}"],
    _if=any_changed(secrets, installed, current, unit),
)
restart(
    name="service start: restart the service",
    fingerprint=hashlib.sha256(json.dumps([commit, install, environment, command]).encode()).hexdigest(),
)
systemd.service(name="service start: run the service", service="canary.service", running=True, enabled=True)
