"""The monitor's page: nginx with a password in front of the dashboard's files and of what it may ask.

The files are dashboard/site, the panels.json that is made from panels.yml, and the packages that npm installs on the
monitor from dashboard/package-lock.json. Together they are a release (kit/releases.py) of the user `monitor`:
/srv/monitor/releases/ID, `current`.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import io
import os
import tarfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

import bcrypt
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command
from pyinfra.operations import files

from dashboard.generate import page_json
from dashboard.panels import PanelsError
from deploys.kit import nginx, releases
from deploys.kit.facts import MONITOR_REPORTS, TUNNEL_PORT
from deploys.kit.places import DASHBOARD, cache_folder

__all__ = ["PACKAGES", "dashboard_archive", "htpasswd", "page"]

_APP: Final = "monitor"
_USER: Final = "pipeline"
PACKAGES: Final = ["nginx", "curl", "nodejs", "npm", "ca-certificates"]
_PASSWORDS: Final = "/etc/nginx/pipeline/monitor.htpasswd"
_INSTALL_SECONDS: Final = 300
# nginx checks it at each of the page's requests, dozens in a row: at 6 rounds in 4 ms, at the usual 10 in 60. That is
# safe, as the password has 190 random bits.
_ROUNDS: Final = 6
# npm waits minutes for a registry that does not answer; a deploy that cannot install says so within one.
_INSTALL: Final = r"""set -eu
export HOME=/srv/monitor/home PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
export npm_config_fetch_retries=1 npm_config_fetch_timeout=20000 npm_config_update_notifier=false
[ -z "$(ls /usr/local/share/ca-certificates 2>/dev/null)" ] ||
  export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
cd "/srv/monitor/releases/$release"
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
# nginx reads them.
chmod -R a+rX site node_modules
"""


def htpasswd(password: str, whose: str) -> str:
    r"""The text of an htpasswd file (bcrypt) for the user `pipeline`, always the same for a password and a host.

    >>> line = htpasswd("hunter2", "monitor")
    >>> line == htpasswd("hunter2", "monitor"), line.startswith("pipeline:$2b$06$"), "hunter2" in line
    (True, True, False)
    """
    # bcrypt takes 16 bytes of salt; a fresh one at each deploy would make another file of the same password.
    salt = hmac.new(password.encode(), whose.encode(), hashlib.sha256).digest()[:16]
    encoded = _base64_of_bcrypt(salt)
    if len(password.encode()) > 72:
        raise DeployError("the secret monitor_password is longer than the 72 bytes that bcrypt takes")
    return f"{_USER}:{bcrypt.hashpw(password.encode(), b'$2b$%02d$' % _ROUNDS + encoded).decode()}\n"


def _base64_of_bcrypt(salt: bytes) -> bytes:
    """16 bytes in bcrypt's own alphabet: 22 characters."""
    alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    number = int.from_bytes(salt, "big") << 4
    return "".join(alphabet[number >> shift & 63] for shift in range(126, -1, -6)).encode()


def dashboard_archive(directory: Path, made: Mapping[str, str], cache: Path) -> tuple[Path, str]:
    """The page's files as a .tar.gz in `cache`, and its digest: always the same for the same files.

    `directory` is the dashboard's; `made` are the texts of more files, by name.
    """
    names = ["package.json", "package-lock.json", "site"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            archive.add(directory / name, name, filter=_without_hidden)
        for name, text in made.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(_plain(entry), io.BytesIO(text.encode()))
    content = gzip.compress(packed.getvalue(), mtime=0)
    digest = hashlib.sha256(content).hexdigest()
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{digest[:16]}.tar.gz"
    if not path.exists():
        partial = cache / f".{digest[:16]}.{os.getpid()}"
        partial.write_bytes(content)
        partial.replace(path)
    return path, digest


def _without_hidden(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(entry.name).name.startswith(".") else _plain(entry)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without anything of this machine: whose a file is, and when it was written."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry


def page(password: str, listen: int, ipv6: bool) -> None:
    """The page, on nginx's port `listen`. The packages are there already."""
    releases.ensure_user(_APP)
    try:
        made = {"site/panels.json": page_json()}
        archive, digest = dashboard_archive(DASHBOARD, made, cache_folder("dashboard"))
    except PanelsError as error:
        raise DeployError(f"the dashboard's panels: {error.problems[0]}") from None
    except OSError as error:
        raise DeployError(f"the dashboard's files: {error.filename}: {error.strerror}") from None
    recipe = hashlib.sha256(_INSTALL.encode()).hexdigest()
    identifier = f"{digest[:16]}-{recipe[:8]}"
    releases.release(
        name="Install the dashboard",
        app=_APP,
        archive=str(archive),
        identifier=identifier,
        script=f"release={identifier}\n{_INSTALL}",
        fingerprint=recipe,
        timeout=_INSTALL_SECONDS,
    )
    _current(name="Serve the dashboard", identifier=identifier)
    releases.secret_file(
        name="Write the page's password",
        content=htpasswd(password, host.name),
        path=_PASSWORDS,
        group="www-data",
    )
    files.directory(
        name="Make room for the reports of canary runs",
        path=MONITOR_REPORTS,
        user="root",
        group="root",
        mode="755",
    )
    site = {
        "listen": listen,
        "ipv6": ipv6,
        "passwords": _PASSWORDS,
        "reports": MONITOR_REPORTS,
        "tunnel": TUNNEL_PORT,
    }
    nginx.site(_APP, "monitor.nginx.j2", **site)


@operation()
def _current(identifier: str) -> Generator[StringCommand, None, None]:
    """`current` points to the release that is to be served."""
    target, link = f"/srv/{_APP}/releases/{identifier}", f"/srv/{_APP}/current"
    if host.get_fact(Command, f"readlink {link} || true") == target:
        host.noop("it is served")
        return
    yield StringCommand(f"ln -sfn {target} {link}.new && mv -T {link}.new {link}")
