"""git as somebody without a configuration, and a small repository to read: two commits, two branches, a tag."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

__all__ = ["git", "make_repository"]

_PERSON = {
    f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
_NO_CONFIG = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(at: Path, *arguments: str) -> str:
    """Run git in the directory `at`, without the user's configuration; what it printed."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=at,
        env={**os.environ, **_PERSON, **_NO_CONFIG},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def make_repository(path: Path) -> Path:
    """`master` and the tag `v1` at the first commit, `broken` one further; both change folder/file."""
    path.mkdir()
    git(path, "init", "-q", "-b", "master")
    (path / "folder").mkdir()
    (path / "folder" / "file").write_text("one\n")
    git(path, "add", "--all")
    git(path, "commit", "-q", "-m", "First")
    git(path, "tag", "v1")
    git(path, "checkout", "-q", "-b", "broken")
    (path / "folder" / "file").write_text("two\n")
    git(path, "commit", "-q", "-a", "-m", "Second \x1b[31mred")
    git(path, "checkout", "-q", "master")
    return path
