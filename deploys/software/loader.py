"""The loader in its user's own directory on a host, as `pipeline load` starts it there. Needs no root."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from pathlib import Path

from pyinfra.api.command import FileUploadCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.places import DEPLOYS
from deploys.kit.scripts import script
from deploys.software.loader_archive import (
    ASKED,
    LoaderError,
    Platform,
    packed_loader,
    platform_of,
    release_of,
)

__all__ = ["directory_of", "installed", "loader_folder", "platform_here"]

_BELOW = ".cache/pipeline-loader"  # in the user's home: one directory for each release


def platform_here() -> Platform:
    """What this host is. Raises DeployError where the loader cannot run on it."""
    said = host.get_fact(Command, f"python3 -I -c {shlex.quote(ASKED)} 2>/dev/null || true")
    try:
        return platform_of(said or "")
    except LoaderError as problem:
        raise DeployError(f"{host.name}: {problem}") from None


def loader_folder(given: object) -> Path:
    """The folder `loadgen` of this machine: the given one, or that of this checkout or installation. DeployError."""
    places = [Path(str(given))] if given else [DEPLOYS.parent / "loadgen", DEPLOYS.parents[2] / "loadgen"]
    found = next((path for path in places if (path / "hosted.py").is_file()), None)
    if found is None:
        raise DeployError(f"{host.name}: {places[0]} is not the loader: give its folder as the data `loader`")
    return found


def directory_of(loader: Path, platform: Platform) -> str:
    """Where the loader is on this host, or will be."""
    return f"{platform.home}/{_BELOW}/{release_of(loader, platform)}"


@operation()
def installed(
    loader: Path, platform: Platform, directory: str
) -> Generator[StringCommand | FileUploadCommand, None, None]:
    """The folder `loader` of this machine and its packages are in `directory`, which nobody else can read or change."""
    if host.get_fact(Command, f"[ ! -d {shlex.quote(directory)} ] || echo there"):
        host.noop("the loader is there")
        return
    if not host.state.is_executing:
        yield StringCommand("true")  # only looked at: something would change
        return
    packed = f"{directory}.tar.gz"
    try:
        archive = packed_loader(loader, platform)
    except (LoaderError, OSError) as problem:
        yield StringCommand(f"echo {shlex.quote(str(problem))} >&2; exit 1")
        return
    yield StringCommand("mkdir", "-p", "-m", "700", shlex.quote(str(Path(directory).parent)))
    yield FileUploadCommand(str(archive), packed, remote_temp_filename=None)
    yield StringCommand("sh", "-s", _stdin=script("loader_unpack", directory=directory, packed=packed))
