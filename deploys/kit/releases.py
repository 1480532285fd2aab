"""Releases side by side on a host: unpacked, installed by the application's own user, the last three kept.

Below BASE (/srv/APP): `releases/ID`, `releases/ID.installed`, `home` (of the user), `history`, `current`.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shlex
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from pyinfra.api.command import FileUploadCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command
from pyinfra.operations import server

from deploys.kit import reports
from deploys.kit.scripts import script as shell_script

__all__ = [
    "base_of",
    "ensure_user",
    "is_installed",
    "previous_release",
    "release",
    "secret_file",
    "unpacked_size",
]

_KEPT: Final = 3
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Bytes to be left free on the file system beside what the release needs: for logs, the database, an install's files.
_MARGIN: Final = 64 << 20
_FULL: Final = (
    1 << 20
)  # bytes: with less than that left an installation has most likely failed for want of them


def base_of(app: str, directory: str = "") -> str:
    """Where the releases of `app` are: `directory`, or /srv/APP. DeployError for a name that is no user's."""
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", app) or app == "root":
        raise DeployError(f"{host.name}: {app!r} is no user's name, or root")
    base = directory or f"/srv/{app}"
    if not re.fullmatch(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+", base):
        raise DeployError(f"{host.name}: {base!r} is not a plain absolute path")
    return base


def ensure_user(app: str, directory: str = "", groups: Sequence[str] = ()) -> None:
    """A system user `app` that cannot log in, with its home in BASE/home (which `release` makes), also in `groups`."""
    base = base_of(app, directory)
    # Looked for first: server.user reads all users and their keys, which takes half a second.
    if host.get_fact(Command, f"id -u {app} 2>/dev/null || true"):
        return
    server.user(  # noqa: S604 the user's login shell is meant, not a shell of ours
        name=f"Create the user {app}",
        user=app,
        system=True,
        home=f"{base}/home",
        create_home=False,
        ensure_home=False,
        shell="/usr/sbin/nologin",
        groups=list(groups) or None,
    )


def previous_release(app: str) -> str:
    """The release before `current` in the history, among those still installed. DeployError when there is none."""
    base = base_of(app)
    told = host.get_fact(
        Command,
        f'cd {base} 2>/dev/null && basename "$(readlink current)" .replaced && {{ cat history 2>/dev/null; }} | '
        'while read -r id; do [ ! -e "releases/$id.installed" ] || echo "$id"; done; true',
    )
    current, *history = (told or "").split() or [""]
    before = history[: history.index(current)] if current in history else []
    if not before:
        raise DeployError(
            f"{host.name}: no release of {app} was served before the current one: nothing to go back to;"
            " deploy the version you want with --ref"
        )
    return before[-1]


def is_installed(base: str, identifier: str, fingerprint: str) -> bool:
    """Whether `release` has nothing to do: this release is in BASE, installed with the same fingerprint."""
    return bool(host.get_fact(Command, f"cat {_marker(base, identifier)} 2>/dev/null || true") == fingerprint)


@operation()
def secret_file(content: str, path: str, group: str) -> Generator[StringCommand, None, None]:
    """Write a file (0640 root:`group`) that only root and `group` read. It goes through standard input: not argv,
    not /tmp."""
    quoted = shlex.quote(path)
    # pyinfra adds a line break at the end of what it sends, where there is none.
    content = content if content.endswith("\n") else content + "\n"
    # The checksum is compared here: on the host it would stand in argv, and that of a weak secret gives it away.
    state = host.get_fact(Command, f"stat -c '%a %U %G' {quoted} 2>/dev/null && sha256sum < {quoted} || true")
    digest = hashlib.sha256(content.encode()).hexdigest()
    if (state or "").split() == ["640", "root", group, digest, "-"]:
        host.noop(f"{path} is the same")
        return
    yield StringCommand(
        f"install -d -m 755 {shlex.quote(str(Path(path).parent))} &&"
        f" install -m 640 -g {shlex.quote(group)} /dev/stdin {quoted}.new && mv -T {quoted}.new {quoted}",
        _stdin=content,
    )


@operation()
def release(
    app: str,
    archive: str,
    identifier: str,
    script: str,
    fingerprint: str,
    timeout: int,
    directory: str = "",
    reader: str = "",
    live: bool = False,
) -> Generator[object, None, None]:
    """Unpack and install one release as the user `app`, into BASE/releases/IDENTIFIER.

    Afterwards the newest three releases stay, as do those that are served. Fails, and leaves everything as it is, while
    a deploy through another SSH connection is installing here.

    Args:
        app: The application, which is also the user.
        archive: A .tar.gz on this machine, which is unpacked there; any other file is put there under its own name. It
            must hold no secrets: it passes through the host's /tmp.
        identifier: The release's name.
        script: A POSIX shell script, run by the user in a unit of its own.
        fingerprint: Of all that decides what an install does. With the one of the last success nothing is done; with
            another it is installed anew, while what serves it goes on with the old tree (`ID.replaced`).
        timeout: Seconds that the script may take.
        directory: BASE, where it is not /srv/APP.
        reader: Where given, root owns the tree once it is installed, this group reads it, and `app` has a home for
            this one installation: no version can change what another one, or a later run, is made of.
        live: Whether what the script prints is shown as it comes, such as `progress: ...` of a long build.
    """
    base = base_of(app, directory)
    if not _IDENTIFIER.fullmatch(identifier) or not re.fullmatch(r"[A-Za-z0-9._-]+", fingerprint):
        raise DeployError(f"{host.name}: {identifier!r} or its fingerprint is no plain name")
    tree, marker = f"{base}/releases/{identifier}", _marker(base, identifier)
    if is_installed(base, identifier, fingerprint):
        host.noop(f"{identifier} is installed")
        return
    unit = f"{Path(base).name}-install"
    packed = f"{base}/{identifier}.upload"
    compressed = archive.endswith(".gz")
    size = Path(archive).stat().st_size
    # What the script will fetch is not known; it says itself when there is no room for it.
    needed = _MARGIN + size + (unpacked_size(Path(archive)) if compressed else size)
    variables = {"app": app, "base": base, "tree": tree, "marker": marker, "packed": packed, "unit": unit}
    variables["reader"] = reader
    closed = (
        f"-p ProtectSystem=strict -p ReadWritePaths={tree} -p ReadWritePaths={base}/home -p PrivateTmp=yes"
    )
    yield StringCommand("sh", "-s", _stdin=shell_script("hold", "release_begin", **variables, needed=needed))
    yield FileUploadCommand(archive, packed, remote_temp_filename=host.get_temp_filename(packed))
    unpack = f"tar -xzf {packed} -C {tree}"
    if not compressed:
        unpack = f"install -m 640 {packed} {tree}/{shlex.quote(Path(archive).name)}"
    yield StringCommand(
        f"chgrp {app} {packed} && chmod 640 {packed} && runuser -u {app} -- {unpack} && rm {packed}"
    )
    # A unit of its own: systemd ends it with all its children, at the limit or when a deploy was cut short.
    # The script comes through standard input: what it holds is in no argv and in no file to be cleaned up.
    install = StringCommand(
        "began=$(date +%s);",
        f"systemd-run --quiet --collect --pipe --wait --unit={unit} --service-type=exec",
        f"--uid={app} --gid={app} -p RuntimeMaxSec={timeout} -p NoNewPrivileges=yes {closed if reader else ''} sh -s",
        f"|| {{ status=$?; [ $(($(date +%s) - began)) -lt {timeout} ] || echo not done after {timeout} s;",
        # a shell or a tool whose write failed often does not say why
        f"[ $(df -B1 --output=avail {tree} | tail -n 1) -ge {_FULL} ] ||",
        f'echo "No space left on device: $(df --output=target {tree} | tail -n 1) is full";',
        "exit $status; }",
        _stdin=script,
    )
    yield reports.live(install) if live else install
    yield StringCommand(
        "sh",
        "-s",
        _stdin=shell_script(
            "release_end",
            app=app,
            base=base,
            tree=tree,
            reader=reader,
            marker=marker,
            identifier=identifier,
            fingerprint=fingerprint,
            kept=_KEPT,
        ),
    )


def _marker(base: str, identifier: str) -> str:
    return f"{base}/releases/{identifier}.installed"


def unpacked_size(archive: Path) -> int:
    """Bytes in a .gz file once unpacked; DeployError when it is damaged."""
    total = 0
    try:
        with gzip.open(archive) as file:
            while chunk := file.read(1 << 20):
                total += len(chunk)
    except (OSError, EOFError) as error:
        raise DeployError(f"{archive}: {getattr(error, 'strerror', None) or error}") from None
    return total
