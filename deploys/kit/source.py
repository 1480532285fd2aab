"""A repository and a ref as an archive, for plain pyinfra (`pipeline` has its own room for it). No pyinfra in here."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from deploys.kit.places import cache_folder
from deploys.kit.refs import AmbiguousRefError, commit_of, is_plain, remote_branch

__all__ = ["SourceError", "archive_of"]

_SECONDS = 600
# pyinfra prepares all hosts at once in one thread, where a lock on the file alone would block its own holder.
_THREADS = threading.Lock()
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# What would change a tree on its way out. This file outranks the tree's own; `!` is "as if it were named nowhere".
_ATTRIBUTES = "* !export-ignore !export-subst -ident -text !eol !crlf !filter !working-tree-encoding\n"


class SourceError(Exception):
    """One line: which repository or ref, and what is wrong with it."""


def archive_of(repo: str, ref: str) -> tuple[Path, str]:
    """The tree of `ref` in `repo` (a path or an address) as a .tar.gz in the user's cache, and its full hash.

    A bare copy of the repository is kept in the cache (~/.cache/pipeline/deploys, or below XDG_CACHE_HOME) and
    brought up to date, unless `ref` is a full hash that it already holds. Nothing of the repository is run: no
    hook, no filter, no configuration of it. Raises SourceError.
    """
    for what, text in (("repository", repo), ("ref", ref)):
        if not is_plain(text):
            raise SourceError(f"{text[:200]!r} is no {what}")
    if Path(repo).expanduser().exists():
        repo = str(Path(repo).expanduser().resolve())
    try:
        cache = cache_folder("deploys")
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        mirror = cache / f"{hashlib.sha256(repo.encode()).hexdigest()[:16]}.git"
        with _locked(mirror):
            _refresh(mirror, repo, ref)
            commit = _resolved(mirror, repo, ref)
            return _packed(mirror, commit, cache / f"{commit}.tree.tar.gz"), commit
    except OSError as error:
        raise SourceError(f"{error.filename or 'git'}: {error.strerror}") from None


def _shown(repo: str) -> str:
    """`repo` without the name, the password and the query that its address may hold."""
    parts = urlsplit(repo) if "://" in repo else None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts else repo


def _git(
    *arguments: str, mirror: Path | None = None, closed: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run git on the mirror. `closed`: without the user's own configuration, too, whose filters are commands."""
    ours = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "LC_ALL": "C"}
    ours["GIT_NO_REPLACE_OBJECTS"] = "1"  # a commit is what its hash says
    if closed:
        ours |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    where = ["--git-dir", str(mirror)] if mirror else []
    try:
        return subprocess.run(
            ["git", *where, *arguments],
            env={**kept, **ours},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"git {arguments[0]}: not done after {_SECONDS} s") from None


def _refresh(mirror: Path, repo: str, ref: str) -> None:
    known = mirror.exists()
    if (
        known
        and _HASH.fullmatch(ref)
        and _git("cat-file", "-e", f"{ref}^{{commit}}", mirror=mirror).returncode == 0
    ):
        return
    if known:
        # --update-shallow: without it what a shallow repository has got since is left out.
        fetch = ("fetch", "--quiet", "--prune", "--update-shallow", "--", repo, "+refs/*:refs/*")
        done = _git(*fetch, mirror=mirror)
        if done.returncode == 0:
            _follow_head(mirror, repo)
            return
        if _git("rev-parse", "--git-dir", mirror=mirror).returncode == 0:
            raise _unreadable(repo, done)
        shutil.rmtree(mirror)
    partial = Path(tempfile.mkdtemp(prefix=".clone-", dir=mirror.parent))
    try:
        done = _git("clone", "--quiet", "--mirror", "--template=", "--", repo, str(partial / "git"))
        if done.returncode != 0:
            raise _unreadable(repo, done)
        (partial / "git").rename(mirror)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _follow_head(mirror: Path, repo: str) -> None:
    """Point the copy's HEAD where the repository's points now, which a fetch does not."""
    for line in _git("ls-remote", "--quiet", "--symref", "--", repo, "HEAD").stdout.splitlines():
        what, _, name = line.partition("\t")
        if name != "HEAD":
            continue
        if what.startswith("ref: "):
            _git("symbolic-ref", "HEAD", what.removeprefix("ref: "), mirror=mirror)
        else:
            _git("update-ref", "--no-deref", "HEAD", what, mirror=mirror)
        return


def _unreadable(repo: str, done: subprocess.CompletedProcess[str]) -> SourceError:
    lines = [line for line in done.stderr.splitlines() if line.startswith(("fatal:", "ssh:", "error:"))]
    why = (lines or done.stderr.splitlines() or ["git does not say why"])[0].replace(repo, _shown(repo))
    return SourceError(f"{_shown(repo)}: cannot be read: {why}")


def _resolved(mirror: Path, repo: str, ref: str) -> str:
    def rev_parse(expression: str) -> tuple[str, str]:
        warned = ["-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options"]
        found = _git(*warned, expression, mirror=mirror, closed=True)
        return found.stdout.strip() if found.returncode == 0 else "", found.stderr

    def branches(pattern: str) -> str:
        return _git(
            "for-each-ref", "--format=%(objectname) %(refname)", pattern, mirror=mirror, closed=True
        ).stdout

    try:
        commit = commit_of(ref, rev_parse)
        if commit is None and (found := remote_branch(ref, branches)):
            commit = found[1]
    except AmbiguousRefError as error:
        raise SourceError(f"{_shown(repo)}: {error.message}; {error.hint}") from None
    if commit is None:
        raise SourceError(f"{_shown(repo)}: there is no branch, tag or commit {ref!r}")
    return commit


def _packed(mirror: Path, commit: str, archive: Path) -> Path:
    if archive.exists():
        return archive
    (mirror / "info").mkdir(exist_ok=True)
    (mirror / "info" / "attributes").write_text(_ATTRIBUTES)
    descriptor, partial = tempfile.mkstemp(prefix=".archive-", dir=archive.parent)
    os.close(descriptor)
    try:
        made = _git("archive", "--format=tar.gz", f"--output={partial}", commit, mirror=mirror, closed=True)
        if made.returncode != 0:
            raise SourceError(f"{commit}: cannot be packed: {made.stderr.strip().rpartition(chr(10))[2]}")
        Path(partial).replace(archive)
    finally:
        Path(partial).unlink(missing_ok=True)
    return archive


@contextlib.contextmanager
def _locked(mirror: Path) -> Iterator[None]:
    with _THREADS, mirror.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
