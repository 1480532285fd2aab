"""Copies of remote repositories in the cache: cloned once, then fetched; one process at a time for each."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from pipeline.base.errors import EnvironmentError_, SourceError
from pipeline.base.text import reason_of, redact
from pipeline.source.git import PROTOCOLS, Result, environment, reason, run_git

__all__ = ["mirror", "mirror_path"]

_CLONE_SECONDS: Final = 900.0
_LOCK_SECONDS: Final = 900.0
_ROOT: Final = Path("/")  # not in the working directory: that may be a repository whose configuration counts
# git asks this helper: so name and password stay in the environment, out of argv and of the mirror's config.
_HELPER: Final = (
    '!f() { printf "username=%s\\npassword=%s\\n" "$PIPELINE_GIT_USERNAME" "$PIPELINE_GIT_PASSWORD"; }; f'
)
_AUTH: Final = (
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "terminal prompts disabled",
    "Permission denied",
    "returned error: 401",
    "returned error: 403",
)


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """`url` without the login in it, and the environment variables that give git that login."""
    parts = urlsplit(url)
    if parts.scheme == "ssh":
        return redact(url), {}
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return url, {}
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, {
        "PIPELINE_GIT_USERNAME": unquote(parts.username or ""),
        "PIPELINE_GIT_PASSWORD": unquote(parts.password or ""),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": _HELPER,
    }


def mirror_path(url: str, cache: Path) -> Path:
    """Where the copy of `url` is kept."""
    bare, _ = _without_credentials(url)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", redact(bare).rstrip("/").rsplit("/", 1)[-1]).strip("-.")
    digest = hashlib.sha256(bare.encode()).hexdigest()[:12]
    return cache / "repositories" / f"{name.removesuffix('.git')[:60]}-{digest}.git"


def mirror(url: str, cache: Path, *, seconds: float, say: Callable[[str], None]) -> Path:
    """Bring the copy of a repository up to date.

    Args:
        url: The repository.
        cache: The directory of all copies.
        seconds: How long the repository may take to answer at all; the transfer itself has fifteen minutes.
        say: Gets a line for what takes its time.

    Returns:
        Where the copy is.

    Raises:
        SourceError: The repository does not answer.
        EnvironmentError_: The cache cannot be written.
    """
    path = mirror_path(url, cache)
    address, credentials = _without_credentials(url)
    env = environment(PROTOCOLS, credentials)
    asked = run_git(
        ["ls-remote", "--quiet", "--symref", "--", address, "HEAD"], env, directory=_ROOT, seconds=seconds
    )
    if asked.code != 0:
        raise _unreachable(url, asked)
    with _locked(path, say):
        if path.exists():
            if _fetch(path, address, env).code == 0:
                _follow_head(path, asked.out, env)
                return path
            # It answered a moment ago, so the copy is what is wrong.
            say(f"{redact(url)}: the copy in the cache is damaged; copying it again")
            shutil.rmtree(path, ignore_errors=True)
        say(f"copying {redact(url)}")
        partial = path.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        arguments = ["clone", "--quiet", "--mirror", "--template=", "--", address, str(partial)]
        try:
            cloned = run_git(arguments, env, directory=_ROOT, seconds=_CLONE_SECONDS)
            if cloned.code != 0:
                raise _unreachable(url, cloned)
            partial.rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return path


def _fetch(path: Path, address: str, env: dict[str, str]) -> Result:
    # --update-shallow: without it what a shallow repository has got since is left out.
    arguments = [
        "fetch",
        "--quiet",
        "--prune",
        "--update-shallow",
        "--no-recurse-submodules",
        "--",
        address,
        "+refs/*:refs/*",
    ]
    return run_git(arguments, env, directory=path, seconds=_CLONE_SECONDS)


def _follow_head(path: Path, told: str, env: dict[str, str]) -> None:
    """Point the copy's HEAD where the repository's points now, which a fetch does not."""
    for line in told.splitlines():
        what, _, name = line.partition("\t")
        if name != "HEAD":
            continue
        if what.startswith("ref: "):
            run_git(["symbolic-ref", "HEAD", what.removeprefix("ref: ")], env, directory=path)
        else:
            run_git(["update-ref", "--no-deref", "HEAD", what], env, directory=path)
        return


@contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.with_suffix(".lock").open("w")
    except OSError as error:
        raise EnvironmentError_(f"{path.parent}: the cache cannot be written: {reason_of(error)}") from None
    with file:
        deadline, told = time.monotonic() + _LOCK_SECONDS, False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EnvironmentError_(f"{path}: another run has been copying it for too long") from None
                if not told:
                    say("waiting for another run that is copying the same repository")
                    told = True
                time.sleep(0.2)
        yield


def _unreachable(url: str, result: Result) -> SourceError | EnvironmentError_:
    shown = redact(url)
    if "No space left" in result.err:
        return EnvironmentError_(
            f"{shown}: no disk space is left for the copy", hint="free some, or set XDG_CACHE_HOME"
        )
    if any(words in result.err for words in _AUTH):
        return SourceError(
            f"{shown}: needs a login, or does not exist",
            hint="give git the login (a credential helper or an SSH key), and try: git ls-remote URL",
        )
    if "Host key verification failed" in result.err:
        return SourceError(
            f"{shown}: the server's SSH key is not known", hint="connect once by hand with ssh"
        )
    if "not found" in result.err or "does not appear to be a git repository" in result.err:
        return SourceError(f"{shown}: there is no repository at this address", hint="check the address")
    said = next((line for line in result.err.splitlines() if line.startswith("ssh: ")), reason(result))
    why = re.sub(r"^unable to access '[^']*': ", "", said)
    for secret in (url, _without_credentials(url)[0]):
        why = why.replace(secret, shown)
    return SourceError(f"{shown}: cannot be reached: {why}", hint="check the address and the network")
