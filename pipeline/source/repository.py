"""The code under test: a repository made ready, and a ref of it as a commit and as an archive of its tree."""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote as quoted
from typing import Final

from pipeline.base.errors import EnvironmentError_, SourceError
from pipeline.base.text import did_you_mean, reason_of
from pipeline.source.git import Result, closed, reason, run_git, within
from pipeline.source.notes import tree_notes, uncommitted
from pipeline.source.refs import AmbiguousRefError, commit_of, is_plain, remote_branch

__all__ = ["Commit", "Source"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Commit:
    """A ref as given, the commit it is, the first line of its message, its author's date (ISO 8601).

    `found_as` is the branch of a remote that was taken for a ref that the clone itself does not have (origin/broken).
    """

    ref: str
    sha: str
    subject: str
    author_date: str
    found_as: str = ""


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

    @property
    def _path(self) -> str:
        """The directory as a shell takes it, for what is to be typed next."""
        return quoted(str(self.directory))

    def resolve(self, ref: str) -> Commit:
        """The commit that `ref` is: a branch, tag, (abbreviated) hash, or whatever else git knows.

        Raises SourceError when there is none, when it is no commit, or when it could mean several.
        """
        if not is_plain(ref):
            raise SourceError(
                f"{ref[:200]!r} cannot be the name of a branch, tag or commit", hint=self._how_to_list()
            )
        try:
            found_as, sha = "", commit_of(ref, self._asked)
            if sha is None:
                found_as, sha = remote_branch(ref, self._branches) or ("", None)
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
        return Commit(ref, sha, _CONTROL.sub(" ", subject)[:200], date, found_as)

    def files(self, commit: Commit, paths: Sequence[str]) -> set[str]:
        """Those of `paths` that are files in the commit's tree."""
        listed = self._run_isolated(["ls-tree", "-z", commit.sha, "--", *paths])
        if listed.code != 0:
            raise self._incomplete(commit, listed)
        lines = [line.split("\t", 1) for line in listed.out.split("\0") if line]
        return {path for what, path in lines if what.split()[1] == "blob"}

    def text(self, commit: Commit, path: str) -> str:
        """What the file at `path` in the commit's tree holds."""
        shown = self._run_isolated(["cat-file", "blob", f"{commit.sha}:{path}"])
        if shown.code != 0:
            raise self._incomplete(commit, shown)
        return shown.out

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
            raise EnvironmentError_(f"{dest}: cannot be written: {reason_of(error)}") from None
        return dest

    def _isolated(self) -> dict[str, str]:
        # An empty repository that borrows the objects: nothing of the real one's configuration is ever read.
        # Alternates stand among the objects; where a shallow clone ends, beside them.
        return closed({"GIT_OBJECT_DIRECTORY": str(self._objects), "GIT_SHALLOW_FILE": str(self._shallow)})

    def notes(self, *commits: Commit) -> list[str]:
        """What should be known before these commits are deployed: content that is elsewhere, changes left out."""
        found = list[str]()
        for commit in {commit.sha: commit for commit in commits}.values():
            if commit.found_as:
                found.append(
                    f"{commit.ref}: this clone has no such branch of its own; {commit.found_as} is taken"
                )
            found += tree_notes(self._run_isolated, commit.sha, commit.ref)
        return found + self._left_out()

    def _run_isolated(self, arguments: list[str], extra: Mapping[str, str] | None = None) -> Result:
        return run_git(arguments, {**self._isolated(), **(extra or {})}, directory=self._empty)

    def _left_out(self) -> list[str]:
        asked = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-path", "index"]
        places = run_git(asked, within(self.directory), directory=self.directory)
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

    def _incomplete(self, commit: Commit, made: Result) -> SourceError | EnvironmentError_:
        """Why a commit's tree could not be packed; a partial clone has left content on its server."""
        said = f"{self.display}: {commit.ref} cannot be packed: {reason(made)}"
        if "No space left" in made.err:
            return EnvironmentError_(said, hint=f"free some in {tempfile.gettempdir()}, or set TMPDIR")
        arguments = ["config", "--get-regexp", r"^remote\..*\.promisor$"]
        partial = run_git(arguments, within(self.directory), directory=self.directory)
        if partial.code == 0:
            return SourceError(
                f"{self.display}: is a partial clone, and lacks files of {commit.ref}",
                hint=f"git -C {self._path} fetch --refetch --no-filter, or name the server: --repo URL",
            )
        return SourceError(said)

    def _asked(self, expression: str) -> tuple[str, str]:
        found = self._rev_parse(expression)
        if found.code is None:
            raise SourceError(f"{self.display}: git is not done with '{expression}' after a minute")
        return found.out.strip() if found.code == 0 else "", found.err

    def _branches(self, pattern: str) -> str:
        arguments = ["for-each-ref", "--format=%(objectname) %(refname)", pattern]
        return run_git(arguments, within(self.directory), directory=self.directory).out

    def _rev_parse(self, expression: str) -> Result:
        arguments = [
            "-c",
            "core.warnAmbiguousRefs=true",
            "rev-parse",
            "--verify",
            "--end-of-options",
            expression,
        ]
        return run_git(arguments, within(self.directory), directory=self.directory)

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
                hint=f"git -C {self._path} fetch",
            )
        if self._shallow.is_file() and not self._mirrored:
            return SourceError(
                f"{self.display}: there is no branch, tag or commit '{ref}' in this shallow clone",
                hint=f"git -C {self._path} fetch --unshallow (in CI: a checkout of depth 0)",
            )
        refs = [line.partition(" refs/")[2] for line in self._branches("refs").splitlines()]
        known = [ref.partition("/")[2] for ref in refs]
        # A remote's branch is taken by its own name, too.
        known += [ref.split("/", 2)[2] for ref in refs if ref.startswith("remotes/")]
        guess = did_you_mean(ref, known)
        return SourceError(
            f"{self.display}: there is no branch, tag or commit '{ref}'{guess}", hint=self._how_to_list()
        )

    def _how_to_list(self) -> str:
        return f"git -C {self._path} branch --all, or: git -C {self._path} tag"
