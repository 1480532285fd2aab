"""The code under test: a repository made ready, and a ref of it as a commit and as an archive of its tree."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pipeline.base.errors import EnvironmentError_, PipelineError, SourceError
from pipeline.base.facts import REPOSITORIES
from pipeline.base.text import redact
from pipeline.source.git import Result, closed, environment, reason, run_git
from pipeline.source.mirror import mirror, mirror_path
from pipeline.source.sample import fingerprint, make_sample_repository, services

__all__ = ["Commit", "Source", "open_source"]

_UPSTREAM_SECONDS: Final = 20.0
_NAMED_SECONDS: Final = 40.0
_SCHEMES: Final = ("http", "https", "ssh", "git", "file")
_SCP: Final = re.compile(r"[^/\s:]+:[^/\s].*|[^/\s:]+@[^/\s:]+:.+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _silent(_line: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class Commit:
    """A ref as given, the commit it is, the first line of its message, its author's date (ISO 8601)."""

    ref: str
    sha: str
    subject: str
    author_date: str


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that can be read. Made by `open_source`.

    `display` names it without secrets. `sample` is true for the bundled one, and `why` says why it is used.
    `directory` is where git finds it; it is never written to, and no configuration of it runs anything.
    """

    display: str
    directory: Path
    sample: bool = False
    why: str = ""
    _objects: Path = field(default=Path(), repr=False)  # its objects, as git stores them
    _empty: Path = field(default=Path(), repr=False)  # the empty repository that borrows them: see _isolated

    def resolve(self, ref: str) -> Commit:
        """The commit that `ref` is: a branch, tag, (abbreviated) hash, or whatever else git knows.

        Raises SourceError when there is none, when it is no commit, or when it could mean several.
        """
        if not ref or ref.startswith("-") or _CONTROL.search(ref):
            raise SourceError(
                f"{ref!r} cannot be the name of a branch, tag or commit", hint=self._how_to_list()
            )
        found = self._rev_parse(f"{ref}^{{commit}}")
        if "is ambiguous" in found.err:
            self._refuse_ambiguous(ref, found)
        if found.code != 0:
            raise self._no_such_commit(ref)
        sha = found.out.strip()
        shown = run_git(
            ["log", "-1", "--format=%s%x00%aI", sha, "--"], self._isolated(), directory=self._empty
        )
        if shown.code != 0:
            raise SourceError(f"{self.display}: commit {sha[:12]} cannot be read: {reason(shown)}")
        subject, _, date = shown.out.rstrip("\n").rpartition("\0")
        return Commit(ref, sha, _CONTROL.sub(" ", subject)[:200], date)

    def archive(self, commit: Commit, dest: Path) -> Path:
        """Writes the commit's tree to `dest` as .tar.gz, and gives `dest`; the same commit, the same bytes.

        The tree is as committed: smudge filters (Git LFS) do not run, submodules are empty directories.
        """
        try:
            dest.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=dest.parent) as tar:
                # git's own tar.gz runs a command from the configuration: plain tar, and Python compresses.
                arguments = ["archive", "--format=tar", commit.sha]
                env, at = self._isolated(), self._empty
                made = run_git(arguments, env, directory=at, seconds=300, stdout=tar.fileno())
                if made.code != 0:
                    raise SourceError(f"{self.display}: {commit.ref} cannot be packed: {reason(made)}")
                tar.seek(0)
                partial = dest.with_name(f"{dest.name}.partial")
                with partial.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                    shutil.copyfileobj(tar, packed, 1 << 20)
                partial.replace(dest)
        except OSError as error:
            raise EnvironmentError_(f"{dest}: cannot be written: {error.strerror}") from None
        return dest

    def _isolated(self) -> dict[str, str]:
        # An empty repository that borrows the objects: nothing of the real one's configuration is ever read.
        return closed({"GIT_OBJECT_DIRECTORY": str(self._objects)})

    def _rev_parse(self, expression: str) -> Result:
        arguments = [
            "-c",
            "core.warnAmbiguousRefs=true",
            "rev-parse",
            "--verify",
            "--end-of-options",
            expression,
        ]
        return run_git(arguments, _looking(self.directory), directory=self.directory)

    def _refuse_ambiguous(self, ref: str, found: Result) -> None:
        names = [f"refs/{kind}/{ref}" for kind in ("heads", "tags", "remotes")]
        commits = {name: self._rev_parse(f"{name}^{{commit}}") for name in names}
        meant = {name: result.out.strip() for name, result in commits.items() if result.code == 0}
        if len(set(meant.values())) > 1:
            raise SourceError(
                f"{self.display}: '{ref}' is ambiguous: {' and '.join(meant)} differ",
                hint=f"write one of them in full, such as {next(iter(meant))}",
            )
        if found.code != 0:
            raise SourceError(
                f"{self.display}: '{ref}' is ambiguous: several objects begin so",
                hint="write more digits of it",
            )

    def _no_such_commit(self, ref: str) -> SourceError:
        there = self._rev_parse(ref)
        if there.code == 0:
            sha = there.out.strip()
            kind = run_git(["cat-file", "-t", sha], self._isolated(), directory=self._empty).out.strip()
            if kind:
                return SourceError(
                    f"{self.display}: '{ref}' is a {kind}, not a commit",
                    hint="name a branch, a tag or a commit",
                )
            return SourceError(f"{self.display}: the commit '{ref}' is missing (is it a shallow copy?)")
        listed = run_git(
            ["for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"],
            _looking(self.directory),
            directory=self.directory,
        )
        close = get_close_matches(ref, {name for name in listed.out.split() if name != ref}, n=3)
        guess = f"; did you mean {', '.join(close)}?" if close else ""
        return SourceError(
            f"{self.display}: there is no branch, tag or commit '{ref}'{guess}", hint=self._how_to_list()
        )

    def _how_to_list(self) -> str:
        return f"git -C {_quoted(self.directory)} branch --all, or: git -C {_quoted(self.directory)} tag"


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
    directory = make_sample_repository(cache / "samples" / f"{service}-{fingerprint(service)[:12]}", service)
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


def _looking(directory: Path) -> dict[str, str]:
    # A directory inside a repository is not that repository.
    return environment(extra={"GIT_CEILING_DIRECTORIES": str(directory.parent)})


def _ready(display: str, directory: Path, cache: Path, why: str | None = None) -> Source:
    """The Source in `directory`; with `why` it is the bundled sample. Raises SourceError when git cannot read it."""
    asked = ["rev-parse", "--path-format=absolute", "--show-object-format", "--git-path", "objects"]
    found = run_git(asked, _looking(directory), directory=directory)
    if "dubious ownership" in found.err:
        raise SourceError(
            f"{display}: belongs to another user, so git does not read it",
            hint=f"if you trust it: git config --global --add safe.directory {_quoted(directory)}",
        )
    if "not a git repository" in found.err:
        raise SourceError(f"{display}: is not a git repository", hint="give the directory that holds .git")
    if found.code != 0:
        raise SourceError(f"{display}: cannot be read as a git repository: {reason(found)}")
    kind, _, objects = found.out.strip().partition("\n")
    return Source(
        display, directory, why is not None, why or "", Path(objects), _empty_repository(cache, kind)
    )


def _empty_repository(cache: Path, kind: str) -> Path:
    """An empty repository in the cache, made when absent; `kind` is its object format, sha1 or sha256."""
    path = cache / f"empty-{kind}.git"
    if path.exists():
        return path
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        building = Path(tempfile.mkdtemp(prefix=".empty-", dir=cache))
    except OSError as error:
        raise EnvironmentError_(f"{cache}: the cache cannot be written: {error.strerror}") from None
    try:
        made = run_git(
            ["init", "--quiet", "--bare", "--template=", f"--object-format={kind}", str(building)], closed()
        )
        if made.code != 0:
            raise PipelineError(f"{path}: cannot be made: {reason(made)}")
        try:
            building.rename(path)
        except OSError:
            if not path.exists():  # else another process was faster, and its is as empty
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return path


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
