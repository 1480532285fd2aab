"""The code under test: a repository made ready, and a ref of it as a commit and as an archive of its tree."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping
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
from pipeline.source.notes import tree_notes, uncommitted
from pipeline.source.refs import AmbiguousRefError, commit_of, is_plain
from pipeline.source.sample import fingerprint, make_sample_repository, services

__all__ = ["Commit", "Source", "open_source"]

_UPSTREAM_SECONDS: Final = 20.0
_NAMED_SECONDS: Final = 40.0
_SCHEMES: Final = ("http", "https", "ssh", "git", "file")
_SCP: Final = re.compile(r"[^/\s:]+:[^/\s].*|[^/\s:]+@[^/\s:]+:.+")
# What would change a tree on its way out. This file outranks the tree's own; `!` is "as if it were named nowhere".
_ATTRIBUTES: Final = "* !export-ignore !export-subst -ident -text !eol !crlf !filter !working-tree-encoding\n"
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
    _shallow: Path = field(default=Path(), repr=False)  # where its history ends, if it is a shallow clone
    _empty: Path = field(default=Path(), repr=False)  # the empty repository that borrows them: see _isolated

    @property
    def _mirrored(self) -> bool:
        """Whether it is the copy of a repository elsewhere."""
        return self.directory.is_relative_to(self._empty.parent)

    def resolve(self, ref: str) -> Commit:
        """The commit that `ref` is: a branch, tag, (abbreviated) hash, or whatever else git knows.

        Raises SourceError when there is none, when it is no commit, or when it could mean several.
        """
        if not is_plain(ref):
            raise SourceError(
                f"{ref[:200]!r} cannot be the name of a branch, tag or commit", hint=self._how_to_list()
            )
        try:
            sha = commit_of(ref, self._asked)
        except AmbiguousRefError as error:
            raise SourceError(f"{self.display}: {error.message}", hint=error.hint) from None
        if sha is None:
            raise self._no_such_commit(ref)
        shown = run_git(
            ["log", "-1", "--format=%s%x00%aI", sha, "--"], self._isolated(), directory=self._empty
        )
        if shown.code != 0:
            raise SourceError(f"{self.display}: commit {sha[:12]} cannot be read: {reason(shown)}")
        subject, _, date = shown.out.rstrip("\n").rpartition("\0")
        return Commit(ref, sha, _CONTROL.sub(" ", subject)[:200], date)

    def archive(self, commit: Commit, dest: Path) -> Path:
        """Writes the commit's tree to `dest` as .tar.gz, and gives `dest`; the same commit, the same bytes.

        The tree is as committed, whatever its .gitattributes say: nothing is left out or filled in (export-ignore,
        export-subst), no line end or encoding is changed, no filter (Git LFS) runs. Submodules are empty directories.
        """
        try:
            dest.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=dest.parent) as tar:
                # git's own tar.gz runs a command from the configuration: plain tar, and Python compresses.
                arguments = ["archive", "--format=tar", commit.sha]
                env, at = self._isolated(), self._empty
                made = run_git(arguments, env, directory=at, seconds=300, stdout=tar.fileno())
                if made.code != 0:
                    raise self._incomplete(commit, made)
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
        # Alternates stand among the objects; where a shallow clone ends, beside them.
        return closed({"GIT_OBJECT_DIRECTORY": str(self._objects), "GIT_SHALLOW_FILE": str(self._shallow)})

    def notes(self, *commits: Commit) -> list[str]:
        """What should be known before these commits are deployed: content that is elsewhere, changes left out."""
        found = list[str]()
        for commit in {commit.sha: commit for commit in commits}.values():
            found += tree_notes(self._run_isolated, commit.sha, commit.ref)
        return found + self._left_out()

    def _run_isolated(self, arguments: list[str], extra: Mapping[str, str] | None = None) -> Result:
        return run_git(arguments, {**self._isolated(), **(extra or {})}, directory=self._empty)

    def _left_out(self) -> list[str]:
        asked = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-path", "index"]
        places = run_git(asked, _looking(self.directory), directory=self.directory)
        top, _, index = places.out.rstrip("\n").partition("\n")
        if self.sample or self._mirrored or places.code != 0 or not Path(index).is_file():
            return []  # a bare repository, or one that nobody works in
        head, _ = self._asked("HEAD^{commit}")
        # Its attributes count here: a file whose line ends were converted when it was checked out is no change.
        bare = self._empty.with_name(self._empty.name.replace("isolated-", "plain-"))

        def run(arguments: list[str], extra: dict[str, str]) -> Result:
            return run_git(
                arguments, {**self._isolated(), **extra, "GIT_DIR": str(bare)}, directory=Path(top)
            )

        return uncommitted(run, head, Path(index), Path(top))

    def _incomplete(self, commit: Commit, made: Result) -> SourceError:
        """Why a commit's tree could not be packed; a partial clone has left content on its server."""
        arguments = ["config", "--get-regexp", r"^remote\..*\.promisor$"]
        partial = run_git(arguments, _looking(self.directory), directory=self.directory)
        if partial.code == 0:
            return SourceError(
                f"{self.display}: is a partial clone, and lacks files of {commit.ref}",
                hint=f"git -C {_quoted(self.directory)} fetch --refetch --no-filter, or name the server: --repo URL",
            )
        return SourceError(f"{self.display}: {commit.ref} cannot be packed: {reason(made)}")

    def _asked(self, expression: str) -> tuple[str, str]:
        found = self._rev_parse(expression)
        if found.code is None:
            raise SourceError(f"{self.display}: git is not done with '{expression}' after a minute")
        return found.out.strip() if found.code == 0 else "", found.err

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

    def _no_such_commit(self, ref: str) -> SourceError:
        sha, _ = self._asked(ref)
        if sha and not sha.startswith("^"):
            kind = run_git(["cat-file", "-t", sha], self._isolated(), directory=self._empty).out.strip()
            if kind:
                return SourceError(
                    f"{self.display}: '{ref}' is a {kind}, not a commit",
                    hint="name a branch, a tag or a commit",
                )
            return SourceError(
                f"{self.display}: the commit '{ref}' is missing (is it a shallow copy?)",
                hint=f"git -C {_quoted(self.directory)} fetch",
            )
        if self._shallow.is_file() and not self._mirrored:
            return SourceError(
                f"{self.display}: there is no branch, tag or commit '{ref}' in this shallow clone",
                hint=f"git -C {_quoted(self.directory)} fetch --unshallow (in CI: a checkout of depth 0)",
            )
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
    # Nor do grafts count, as replaced objects do not: a commit is what its hash says.
    return environment(
        extra={"GIT_CEILING_DIRECTORIES": str(directory.parent), "GIT_GRAFT_FILE": "/dev/null/none"}
    )


def _ready(display: str, directory: Path, cache: Path, why: str | None = None) -> Source:
    """The Source in `directory`; with `why` it is the bundled sample. Raises SourceError when git cannot read it."""
    asked = ["rev-parse", "--path-format=absolute", "--show-object-format"]
    asked += ["--git-path", "objects", "--git-path", "shallow"]
    found = run_git(asked, _looking(directory), directory=directory)
    if "dubious ownership" in found.err:
        raise SourceError(
            f"{display}: belongs to another user, so git does not read it",
            hint=f"if you trust it: git config --global --add safe.directory {_quoted(directory)}",
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
        building = Path(tempfile.mkdtemp(prefix=".empty-", dir=cache))
    except OSError as error:
        raise EnvironmentError_(f"{cache}: the cache cannot be written: {error.strerror}") from None
    try:
        made = run_git(
            ["init", "--quiet", "--bare", "--template=", f"--object-format={kind}", str(building)], closed()
        )
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
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return path


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
