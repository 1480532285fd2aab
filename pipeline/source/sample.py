"""The bundled sample services as git repositories: `master`, and a branch for each fault."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.base.errors import EnvironmentError_, SourceError
from pipeline.base.places import SERVICES
from pipeline.base.private import private_directory
from pipeline.base.text import reason_of
from pipeline.source.git import closed, reason, run_git

__all__ = ["faults", "fingerprint", "make_sample_repository", "services"]

_MARK: Final = "pipeline-sample"
_LEFT_OUT: Final = {"faults", "node_modules", "__pycache__"}
_PERSON: Final = {
    "GIT_AUTHOR_NAME": "pipeline",
    "GIT_AUTHOR_EMAIL": "pipeline@localhost",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00+0000",
    "GIT_COMMITTER_NAME": "pipeline",
    "GIT_COMMITTER_EMAIL": "pipeline@localhost",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00+0000",
}


def services() -> tuple[str, ...]:
    """The names of the bundled services."""
    return tuple(sorted(path.parent.name for path in SERVICES.glob("*/faults")))


def faults(service: str = "preview") -> Mapping[str, str]:
    """The faults of a bundled service: the branch's name and what is wrong there, one line.

    Raises SourceError when there is no such service.
    """
    found = {}
    for patch in sorted(_directory(service).glob("faults/*.patch")):
        with patch.open(encoding="utf-8") as file:
            found[patch.stem] = file.readline().removeprefix("Description:").strip()
    return found


def make_sample_repository(dest: Path, service: str = "preview") -> Path:
    """Makes a repository of a bundled service at `dest`, and gives `dest`; a current one is left as it is.

    The commits are the same everywhere: they depend on the service's files and on nothing of the user's.
    Raises SourceError when there is no such service or `dest` holds something else.
    """
    source = _directory(service)
    current = fingerprint(service)
    if _is_current(dest, current):
        return dest
    if dest.exists() and not (dest / ".git" / _MARK).exists():
        raise SourceError(f"{dest}: exists and is not a sample repository", hint="name a path that is free")
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        with private_directory(dest.parent) as room:
            building = room / dest.name
            building.mkdir()
            _build(building, source)
            (building / ".git" / _MARK).write_text(current)
            shutil.rmtree(dest, ignore_errors=True)
            _move(building, dest, current)
    except OSError as error:
        raise EnvironmentError_(f"{dest}: the sample repository cannot be made: {reason_of(error)}") from None
    return dest


def _directory(service: str) -> Path:
    path = SERVICES / service
    if not re.fullmatch(r"[a-z0-9-]+", service) or not (path / "faults").is_dir():
        raise SourceError(
            f"there is no bundled service '{service}': there is {', '.join(services()) or 'none'}",
            hint="name a repository with --repo",
        )
    return path


def _files(source: Path) -> list[Path]:
    return sorted(
        path
        for path in source.rglob("*")
        if path.is_file() and not _LEFT_OUT.intersection(path.relative_to(source).parts)
    )


def fingerprint(service: str = "preview") -> str:
    """A hash of all files of a bundled service: two checkouts with the same one have the same commits."""
    source = _directory(service)
    digest = hashlib.sha256()
    for path in [*_files(source), *sorted(source.glob("faults/*.patch"))]:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(source)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _is_current(dest: Path, current: str) -> bool:
    try:
        return (dest / ".git" / _MARK).read_text() == current
    except OSError:
        return False


def _move(building: Path, dest: Path, current: str) -> None:
    try:
        building.rename(dest)
    except OSError:
        # Another process was faster; what it made is as good, if it is whole.
        if not _is_current(dest, current):
            raise


def _build(repository: Path, source: Path) -> None:
    for path in _files(source):
        copy = repository / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    _git(repository, "init", "--quiet", "--initial-branch=master", "--template=")
    _git(repository, "add", "--all")
    _git(repository, "commit", "--quiet", "--message", f"The {source.name} service")
    for name, description in faults(source.name).items():
        _git(repository, "checkout", "--quiet", "-b", name, "master")
        _git(repository, "apply", "--index", str(source / "faults" / f"{name}.patch"))
        _git(repository, "commit", "--quiet", "--message", f"Fault: {description}")
    _git(repository, "checkout", "--quiet", "master")


def _git(repository: Path, *arguments: str) -> None:
    result = run_git(arguments, closed(_PERSON), directory=repository)
    if result.code != 0:
        raise SourceError(f"the sample repository cannot be made: git {arguments[0]}: {reason(result)}")
