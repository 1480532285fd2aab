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
import shlex
from collections.abc import Generator
from pathlib import Path

from pyinfra.api.command import FileUploadCommand, QuoteString, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import config, host
from pyinfra.facts.server import Command
from pyinfra.operations import files, server, systemd
from pyinfra.operations.util import any_changed

from deploys import packages
from deploys.quoting import environment_file, install_script, systemd_command

# Root needs no sudo, and a bare host has none.
config.SUDO = host.data.get("ssh_user") != "root"

BASE = "/srv/canary"
HOME = f"{BASE}/home"
ENVIRONMENT = f"{BASE}/environment"
STARTED = f"{BASE}/started"
KEPT = 3

# systemctl says only that it failed; why stands in the journal.
RESTART = (
    "systemctl restart canary.service ||"
    " { journalctl -u canary.service -n 20 -o cat --no-pager | grep -E 'Failed (to|at)' | head -1; exit 1; }"
)

HERE = Path(__file__).resolve().parent

user = str(host.data.get("service_user") or "canary")
commit = str(host.data.get("commit") or "")
if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", user) or user == "root":
    raise DeployError(f"{host.name}: service_user {user!r} is no user's name, or root")
if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
    raise DeployError(f"{host.name}: commit {commit!r} is not a commit's hash")
archive = Path(str(host.data.get("archive") or ""))
if not archive.is_file():
    raise DeployError(f"{host.name}: no archive {str(archive)!r}")

release_directory = f"{BASE}/releases/{commit}"
packages.ensure(["ca-certificates", *(host.data.get("packages") or [])])

# Asked for first: server.user itself reads all users and their keys, half a second on a host that has everything.
if not host.get_fact(Command, f"id -u {user} 2>/dev/null || true"):
    server.user(  # noqa: S604 the user's login shell is meant, not a shell of ours
        name="Create the service's user",
        user=user,
        system=True,
        home=HOME,
        create_home=False,
        ensure_home=False,
        shell="/usr/sbin/nologin",
    )

variables: dict[str, object] = {"HOME": HOME, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
# Where the host was given certificate authorities, programs that bring their own list must learn of them.
if host.get_fact(Command, "ls /usr/local/share/ca-certificates 2>/dev/null || true"):
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    variables |= {"NODE_EXTRA_CA_CERTS": bundle, "PIP_CERT": bundle}
variables |= host.data.get("environment") or {}
environment = environment_file(variables)
command = systemd_command(host.data.get("start") or [], f"{BASE}/current")
install = install_script(host.data.get("install") or [], release_directory, ENVIRONMENT)


@operation()
def secret_file(content: str, path: str, group: str) -> Generator[StringCommand, None, None]:
    """Write a file that only root and `group` read. It goes through standard input: not argv, not /tmp."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    check = f"echo {digest} {shlex.quote(path)} | sha256sum --check --status 2>/dev/null && echo same || true"
    if host.get_fact(Command, check):
        host.noop(f"{path} is the same")
        return
    directory = str(Path(path).parent)
    yield StringCommand("install", "-d", "-m", "755", QuoteString(directory))
    yield StringCommand(
        "install", "-m", "640", "-g", QuoteString(group), "/dev/stdin", QuoteString(path), _stdin=content
    )


@operation()
def release(
    archive: str, commit: str, script: str, fingerprint: str, timeout: int
) -> Generator[object, None, None]:
    """Unpack and install one commit as the service's user. A file that only success writes marks it done."""
    tree, marker = f"{BASE}/releases/{commit}", f"{BASE}/releases/{commit}.installed"
    if host.get_fact(Command, f"cat {marker} 2>/dev/null || true") == fingerprint:
        host.noop(f"{commit} is installed")
        return
    packed = f"{BASE}/{commit}.tar.gz"
    yield StringCommand("systemctl stop canary-install.service 2>/dev/null || true")
    yield StringCommand("rm", "-rf", tree, marker)
    yield StringCommand("install", "-d", "-m", "755", f"{BASE}/releases")
    yield StringCommand("install", "-d", "-m", "750", "-o", user, "-g", user, HOME)
    yield StringCommand("install", "-d", "-m", "755", "-o", user, "-g", user, tree)
    yield FileUploadCommand(archive, packed, remote_temp_filename=host.get_temp_filename(packed))
    yield StringCommand("chmod", "644", packed)
    yield StringCommand("runuser", "-u", user, "--", "tar", "-xzf", packed, "-C", tree)
    yield StringCommand("rm", "-f", packed)
    # A unit of its own: systemd ends it with all its children, at the limit or when a deploy was cut short.
    # The script comes through standard input: what it holds is in no argv and in no file to be cleaned up.
    yield StringCommand(
        "began=$(date +%s);",
        "systemd-run --quiet --collect --pipe --wait --unit=canary-install --service-type=exec",
        f"--uid={user} --gid={user} -p RuntimeMaxSec={timeout} -p NoNewPrivileges=yes sh -s",
        f"|| {{ status=$?; [ $(($(date +%s) - began)) -lt {timeout} ] || echo not done after {timeout} s;",
        "exit $status; }",
        _stdin=script,
    )
    yield StringCommand("echo", fingerprint, ">", marker)
    # The newest releases stay, so that going back to one needs no installing.
    yield StringCommand(
        f"cd {BASE}/releases && ls -1t *.installed | tail -n +{KEPT + 1} | sed 's/.installed$//' |"
        " while read -r old; do"
        ' [ "$(readlink -f ../current)" = "$PWD/$old" ] || rm -rf "$old" "$old.installed"; done'
    )


@operation()
def restart(fingerprint: str) -> Generator[StringCommand, None, None]:
    """Restart the service unless exactly this was started: a deploy that was cut short did not do so."""
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
    archive=str(archive),
    commit=commit,
    script=install,
    # The environment decides what an install does as much as its commands do.
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
    src=str(HERE / "templates" / "canary.service.j2"),
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
