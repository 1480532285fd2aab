"""Opening a repository: by URL (copied into a cache), by path, or the bundled sample of a service."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from shlex import quote as quoted
from typing import Final
from urllib.parse import urlsplit

from pipeline.base.errors import EnvironmentError_, PipelineError, SourceError
from pipeline.base.facts import REPOSITORIES
from pipeline.base.private import private_directory, sweep
from pipeline.base.text import reason_of, redact
from pipeline.source.git import Result, closed, reason, run_git, within
from pipeline.source.mirror import mirror, mirror_path
from pipeline.source.repository import Source
from pipeline.source.sample import fingerprint, make_sample_repository, services

__all__ = ["open_source"]

_SAMPLES: Final = "samples"
_UPSTREAM_SECONDS: Final = 20.0
_NAMED_SECONDS: Final = 40.0
_SCHEMES: Final = ("http", "https", "ssh", "git", "file")
_SCP: Final = re.compile(r"[^/\s:]+:[^/\s].*|[^/\s:]+@[^/\s:]+:.+")
# What would change a tree on its way out. This file outranks the tree's own; `!` is "as if it were named nowhere".
_ATTRIBUTES: Final = "* !export-ignore !export-subst -ident -text !eol !crlf !filter !working-tree-encoding\n"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _silent(_line: str) -> None:
    return


def open_source(
    repo: str | None, cache: Path, *, service: str = "preview", say: Callable[[str], None] = _silent
) -> Source:
    """Make a repository ready to be read.

    Args:
        repo: A URL, which is copied into the cache; a path, which is read where it is; "sample", the bundled one; or
            None, the service's upstream repository: where that cannot be reached the copy that an earlier run made,
            and without one the bundled sample.
        cache: The directory of copies.
        service: Whose upstream repository and sample are meant.
        say: Gets a line for what takes its time.

    Raises:
        SourceError: It is no repository, or does not answer.
        EnvironmentError_: git or the cache cannot be used.
    """
    cache = cache.expanduser().absolute()
    sweep(cache, cache / _SAMPLES)  # what a process left that was killed as it made one
    if repo is None:
        return _open_default(cache, service, say)
    path = _path_of(repo)
    if path is None:
        raise SourceError(
            f"{redact(repo)[:200]!r} is neither a path nor the address of a repository",
            hint="give the path or the URL of a git repository",
        )
    if repo == "sample" and not path.exists():
        return _open_sample(cache, service, "it was asked for")
    if "://" in repo or re.match(r"[A-Za-z0-9+.-]+::", repo):
        scheme = repo.partition(":")[0]
        if scheme not in _SCHEMES or not repo.startswith(f"{scheme}://"):
            raise SourceError(
                f"{redact(repo)}: {scheme} is not supported", hint=f"use {', '.join(_SCHEMES)} or a path"
            )
    elif path.exists() or not _SCP.fullmatch(repo):
        return _open_path(repo, path, cache)
    return _ready(redact(repo), mirror(repo, cache, seconds=_NAMED_SECONDS, say=say), cache)


def _open_default(cache: Path, service: str, say: Callable[[str], None]) -> Source:
    url = REPOSITORIES.get(service)
    if url is None:
        if service not in services():
            raise SourceError(
                f"no repository is known for '{service}'", hint="name one with --repo URL or --repo PATH"
            )
        return _open_sample(cache, service, f"'{service}' is one of the bundled services")
    try:
        return _ready(url, mirror(url, cache, seconds=_UPSTREAM_SECONDS, say=say), cache)
    except SourceError as error:
        if (copy := mirror_path(url, cache)).exists():
            say(f"{error.message}; using the copy of an earlier run")
            return _ready(url, copy, cache)
        return _open_sample(cache, service, error.message)


def _open_sample(cache: Path, service: str, why: str) -> Source:
    directory = make_sample_repository(cache / _SAMPLES / f"{service}-{fingerprint(service)[:12]}", service)
    return _ready(f"bundled sample (services/{service})", directory, cache, why=why)


def _path_of(repo: str) -> Path | None:
    """`repo` as a path, whether it is there or not; None for what is neither a path nor an address at all."""
    if not repo or repo.startswith("-") or _CONTROL.search(repo):
        return None
    try:
        urlsplit(repo.encode().decode())  # an address that cannot be taken apart, or is not UTF-8
        path = Path(repo).expanduser()
        path.exists()  # a name too long, a directory that may not be looked into
    except (OSError, ValueError, RuntimeError):
        return None
    return path


def _open_path(repo: str, path: Path, cache: Path) -> Source:
    if not path.exists():
        raise SourceError(
            f"{repo}: there is no such path", hint="give the path or the URL of a git repository"
        )
    if not path.is_dir():
        raise SourceError(f"{repo}: is a file, not a repository", hint="give the directory that holds .git")
    return _ready(repo, path.resolve(), cache)


def _ready(display: str, directory: Path, cache: Path, why: str | None = None) -> Source:
    """The Source in `directory`; with `why` it is the bundled sample. Raises SourceError when git cannot read it."""
    asked = ["rev-parse", "--path-format=absolute", "--show-object-format"]
    asked += ["--git-path", "objects", "--git-path", "shallow"]
    found = run_git(asked, within(directory), directory=directory)
    if "dubious ownership" in found.err:
        raise SourceError(
            f"{display}: belongs to another user, so git does not read it",
            hint=f"if you trust it: git config --global --add safe.directory {quoted(str(directory))}",
        )
    if "not a git repository" in found.err:
        raise SourceError(f"{display}: is not a git repository", hint="give the directory that holds .git")
    if found.code != 0:
        raise SourceError(f"{display}: cannot be read as a git repository: {_why(found)}")
    kind, objects, shallow = found.out.rstrip("\n").split("\n")
    _empty_repository(cache, "plain", kind)
    return Source(
        display,
        directory,
        why is not None,
        why or "",
        Path(objects),
        Path(shallow),
        _empty_repository(cache, "isolated", kind),
    )


def _why(found: Result) -> str:
    """git's reason; extensions that this git does not know stand in the lines below it."""
    names = [line.strip() for line in found.err.splitlines() if line.startswith("\t")]
    return " ".join([reason(found), *names])


def _empty_repository(cache: Path, name: str, kind: str) -> Path:
    """An empty repository in the cache, made when absent; `kind` is its object format, sha1 or sha256.

    In the one called isolated no attribute of a tree holds; see _ATTRIBUTES.
    """
    path = cache / f"{name}-{kind}.git"
    if path.exists():
        return path
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with private_directory(cache) as room:
            _make_empty(room / path.name, path, name, kind)
    except OSError as error:
        raise EnvironmentError_(f"{cache}: the cache cannot be written: {reason_of(error)}") from None
    return path


def _make_empty(building: Path, path: Path, name: str, kind: str) -> None:
    words = ["init", "--quiet", "--bare", "--template=", f"--object-format={kind}", str(building)]
    made = run_git(words, closed())
    if made.code != 0:
        raise PipelineError(f"{path}: cannot be made: {reason(made)}")
    if name == "isolated":
        (building / "info").mkdir(exist_ok=True)
        (building / "info" / "attributes").write_text(_ATTRIBUTES)
    try:
        building.rename(path)
    except OSError:
        if not path.exists():  # else another process was faster, and its is as empty
            raise
