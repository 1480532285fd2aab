"""The loader and all that it needs, as one archive for a host: made here, unpacked there.

Runs on the control machine and knows nothing of pyinfra. pip takes the wheels that loader.txt pins by their hashes, for
the host's own Python and processor. So the host needs Python alone: no package index, no compiler, no root. What was
made is kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final, NamedTuple

from deploys.kit.cached import cached
from deploys.kit.places import DEPLOYS, cache_folder
from deploys.software.run_pip import run_pip

__all__ = ["ASKED", "LoaderError", "Platform", "packed_loader", "platform_of", "release_of"]

# What a host's Python says of itself, and where its user is at home.
ASKED: Final = (
    "import os, platform, sys; "
    "print(*sys.version_info[:2], platform.machine(), *(word or '-' for word in platform.libc_ver()), "
    "os.path.expanduser('~'))"
)

_PINS: Final = DEPLOYS / "software" / "loader.txt"
_OLDEST_PYTHON: Final = (3, 11)
_OLDEST_GLIBC: Final = 17  # of 2.17: what the oldest wheels in use are made for
_MACHINE: Final = "x86_64"  # hdrhistogram, which counts the latencies, is built for no other
_SECONDS: Final = 900
_SAID: Final = re.compile(r"(\d+) (\d+) (\w+) (\S+) (\S+) (/.*)")


class LoaderError(Exception):
    """The loader cannot be had for a host. One line that says why."""


class Platform(NamedTuple):
    """Which wheels a host takes, and its user's home. `python` is 3 and this, `glibc` 2 and this."""

    python: int
    machine: str
    glibc: int
    home: str

    @property
    def tags(self) -> list[str]:
        """Its platform and all older ones, as wheels are named after them."""
        new = [f"manylinux_2_{minor}_{self.machine}" for minor in range(self.glibc, _OLDEST_GLIBC - 1, -1)]
        return [*new, f"manylinux2014_{self.machine}"]


def platform_of(said: str) -> Platform:
    """What a host is, by what it said when it was ASKED. Raises LoaderError where the loader cannot run there.

    >>> platform_of("3 11 x86_64 glibc 2.36 /home/admin")
    Platform(python=11, machine='x86_64', glibc=36, home='/home/admin')
    """
    found = _SAID.fullmatch(said.strip())
    if found is None:
        raise LoaderError("has no python3 that says what it is: sudo apt-get install python3")
    major, minor = int(found[1]), int(found[2])
    if (major, minor) < _OLDEST_PYTHON or major != _OLDEST_PYTHON[0]:
        raise LoaderError(f"has Python {major}.{minor}; the loader needs 3.{_OLDEST_PYTHON[1]} or newer")
    if found[3] != _MACHINE:
        raise LoaderError(
            f"has a processor of {found[3]}; the loader's packages are there for {_MACHINE} alone"
        )
    libc = re.fullmatch(r"2\.(\d+).*", found[5]) if found[4] == "glibc" else None
    if libc is None or int(libc[1]) < _OLDEST_GLIBC:
        raise LoaderError(
            f"has no glibc of 2.{_OLDEST_GLIBC} or newer, which the loader's packages are made for"
        )
    return Platform(minor, found[3], int(libc[1]), found[6])


def release_of(loader: Path, platform: Platform) -> str:
    """What tells this loader, with these packages, for that platform from any other: a name for its directory."""
    found = hashlib.sha256(_PINS.read_bytes())
    found.update(f"{platform.python} {' '.join(platform.tags)}".encode())
    for path in _files(loader):
        data = path.read_bytes()
        found.update(f"{path.relative_to(loader)} {len(data)}\n".encode() + data)
    return found.hexdigest()[:16]


def packed_loader(loader: Path, platform: Platform) -> Path:
    """The archive, from the user's cache or made now. `loader` is the folder `loadgen`. Raises LoaderError, OSError."""
    path = cache_folder("loader") / f"{release_of(loader, platform)}.tar.gz"
    return cached(path, lambda work: _packed(work, loader, platform))


def _packed(work: Path, loader: Path, platform: Platform) -> Path:
    tree = work / "tree"
    _fetch(work, tree, platform)
    shutil.rmtree(tree / "bin", ignore_errors=True)  # programs, which name the Python of this machine
    for path in _files(loader):
        target = tree / loader.name / path.relative_to(loader)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    packed = work / "packed"
    with tarfile.open(packed, "w:gz", compresslevel=6) as archive:
        archive.add(tree, arcname=".", filter=_nobodys)
    return packed


def _files(loader: Path) -> list[Path]:
    return sorted(path for path in loader.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without who had it here: it becomes its user's there."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _fetch(work: Path, tree: Path, platform: Platform) -> None:
    try:
        why = run_pip(
            work,
            *("install", "--no-deps", "--no-compile", "--only-binary", ":all:", "--require-hashes"),
            *("--implementation", "cp", "--python-version", f"3.{platform.python}"),
            *(word for tag in platform.tags for word in ("--platform", tag)),
            *("--target", str(tree), "--requirement", str(_PINS)),
            seconds=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise LoaderError(f"pip did not get the loader's packages within {_SECONDS} s") from None
    if why:
        raise LoaderError(f"pip cannot get the loader's packages: {why}")
