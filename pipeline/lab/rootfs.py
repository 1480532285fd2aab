"""The root file system of every box of our own: mmdebstrap, by the recipe in the folder `box/`."""

from __future__ import annotations

import hashlib
import math
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.base.errors import LabError
from pipeline.lab.box_progress import BoxProgress
from pipeline.lab.children import Limits, run

__all__ = ["KEY", "RECIPE", "Say", "make_rootfs", "recipe_digest", "recipe_lines"]

RECIPE = Path(__file__).with_name("box")
KEY = "vagrant_private_key"  # the name Vagrant gives a box's own key
_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What the machine's own apt needs to reach its mirror, the guests' apt needs as well.
_APT_OPTIONS = re.compile(
    r'^(Acquire::(?:https?::(?:Proxy|CaInfo)|Check-Valid-Until|Check-Date|Retries) "[^"]*");$', re.MULTILINE
)
Say = Callable[[str], None]


def recipe_digest(folders: Sequence[Path], *more: str) -> str:
    """A hash of these folders' files, of what a box takes from this machine, and of the words `more`."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for certificate in _certificates():
        digest.update(certificate.read_bytes())
    digest.update("\n".join([*_sources(), *_apt_options(), *more]).encode())
    return digest.hexdigest()[:10]


def make_rootfs(
    folder: Path,
    target: str,
    nameserver: str,
    say: Say,
    log: Path,
    *,
    packages: Sequence[str] = (),
    scripts: Sequence[Path] = (),
) -> None:
    """Make the root file system of a box, and a new SSH key for it.

    Args:
        folder: An empty directory, where both are put.
        target: The name of the file system there: a tarball if it ends in .tar, else a directory.
        nameserver: The address of the hosts' name server.
        say: Gets a line for each step.
        log: All output is appended here.
        packages: Debian packages besides those of the recipe.
        scripts: Run after the recipe's own, as `sh SCRIPT ROOT`.

    Raises:
        LabError: A program is missing, or the build failed.
    """
    key = folder / KEY
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pipeline-lab", "-f", str(key)], log=log)
    sources = folder / "sources.list"
    sources.write_text("".join(f"{line}\n" for line in _sources()))
    customize = ["sh", str(RECIPE / "customize.sh"), "ROOT", f"{key}.pub", nameserver]
    hooks = [[*customize, *map(str, _certificates())], *(["sh", str(script), "ROOT"] for script in scripts)]
    command = [
        "mmdebstrap",
        "--variant=minbase",
        "--mode=root",
        "--verbose",  # each package as it is set up: installing them takes most of the time
        f"--include={','.join([*recipe_lines(RECIPE / 'packages.txt'), *packages])}",
    ]
    command += [f"--aptopt={option}" for option in (*_apt_options(), 'APT::Install-Recommends "false"')]
    command += ['--aptopt=Acquire::Languages "none"']
    command += [f"--dpkgopt=path-exclude={path}" for path in recipe_lines(RECIPE / "exclude.txt")]
    for hook in hooks:
        command.append("--customize-hook=" + shlex.join(hook).replace(" ROOT", ' "$1"', 1))
    command += ["bookworm", target, str(sources)]
    environment = {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with BoxProgress(say) as progress:
        run(
            command,
            log=log,
            cwd=folder,
            env=environment,
            # after SIGTERM it unmounts and removes its own folder
            limits=Limits(seconds=math.inf, patience=30),
            failed="the base box did not build",
            on_line=progress.read,
        )


def recipe_lines(path: Path) -> list[str]:
    """The lines of a recipe's list that are no comments."""
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _certificates() -> list[Path]:
    return sorted(_CERTIFICATES.rglob("*.crt")) if _CERTIFICATES.is_dir() else []


def _sources() -> list[str]:
    """Lines for the sources.list: Debian 12 from PIPELINE_DEBIAN_MIRROR, else from this machine's own mirror."""
    found = os.environ.get("PIPELINE_DEBIAN_MIRROR") or _mirror("/debian")
    if found is None:
        raise LabError(
            "this machine's apt has no Debian mirror to build the base box from",
            hint="set PIPELINE_DEBIAN_MIRROR to the address of one, which ends in /debian",
        )
    security = _mirror("/debian-security") or f"{found.removesuffix('/')}-security"
    signed = f"deb [signed-by={_KEYRING}]"
    return [
        f"{signed} {found} bookworm main",
        f"{signed} {found} bookworm-updates main",
        f"{signed} {security} bookworm-security main",
    ]


def _mirror(ending: str) -> str | None:
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if path.suffix in (".list", ".sources") and path.is_file():
            match = re.search(
                rf"^(?:URIs:|deb\b).*?(https?://\S+{ending})/?(?=\s|$)", path.read_text(), re.MULTILINE
            )
            if match:
                return match[1]
    return None


def _apt_options() -> list[str]:
    if not shutil.which("apt-config"):
        return []  # mmdebstrap brings apt; where it is absent, the build says so
    dump = subprocess.run(
        ["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=False
    ).stdout
    return _APT_OPTIONS.findall(dump)
