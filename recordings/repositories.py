"""The repository that each deploy is recorded with: upstream, a clone of it, or our stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["repository"]

# By application: the name of a clone or a stand-in in the working directory, and the branch that is deployed.
_NAMES: Final = {"checkbox": ("checkbox.io", "master"), "itrust": ("iTrust2", "v6")}


def repository(name: str, upstream: str, clone: Path | None, checkout: Path) -> tuple[str, str]:
    """The deploy's options, with a leading space, and what the recording says about it; each may be empty.

    Puts a clone or a stand-in into `checkout`, so that the recording shows a relative path. `name` is checkbox or
    itrust. Raises subprocess.CalledProcessError where git fails.
    """
    called, branch = _NAMES[name]
    # Maven on this machine spares each host the download of what iTrust's build needs.
    build = " --build local" if name == "itrust" and shutil.which("mvn") else ""
    if clone is None and _reached(upstream):
        return build, ""
    where = checkout / called
    if clone is not None:
        _git("clone", "--quiet", "--bare", str(clone), str(where))
        return (
            f" --repo {called}{build}",
            f"# {called}: a clone of upstream, which this machine does not reach",
        )
    shutil.copytree(checkout / "services" / name, where)
    _git("-C", str(where), "init", "--quiet", "-b", branch)
    _git("-C", str(where), "add", ".")
    author = ("-c", "user.name=stand-in", "-c", "user.email=stand-in@localhost")
    _git("-C", str(where), *author, "commit", "--quiet", "-m", f"Stand-in for {called}")
    said = f"# upstream cannot be reached from here: this is our stand-in, services/{name}"
    return f" --repo {called}{build}", said


def _reached(upstream: str) -> bool:
    """Whether `upstream` answers within 20 seconds."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        asked = subprocess.run(
            ["git", "ls-remote", "--quiet", upstream, "HEAD"],
            env=environment,
            capture_output=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)
