"""Runs git so that a repository's own configuration cannot run anything on this machine, nor ask anything."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.base.child import Output, start, stop
from pipeline.base.errors import EnvironmentError_
from pipeline.base.text import last_line

__all__ = ["PROTOCOLS", "Result", "closed", "environment", "reason", "run_git", "within"]

PROTOCOLS: Final = "file:git:http:https:ssh"
# How this user's git reaches a network; every other GIT_ variable could point git at another repository.
_KEPT: Final = re.compile(
    r"GIT_(SSL_.*|SSH|SSH_COMMAND|SSH_VARIANT|PROXY_.*|HTTP_.*|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM))"
)
_OVERRIDES: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "log.showSignature=false",  # it would run the repository's gpg.program
    "maintenance.auto=false",
    "gc.auto=0",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What git ended with. `code` is None when it took too long and was stopped."""

    code: int | None
    out: str
    err: str


def environment(protocols: str = "none", extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables git runs with: nothing asks, and only `protocols` (as in GIT_ALLOW_PROTOCOL) may be used.

    With "none" a partial clone cannot fetch what it lacks, which could run a command its configuration names.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or _KEPT.fullmatch(k)}
    return {
        **inherited,
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": f"{os.environ.get('GIT_SSH_COMMAND', 'ssh')} -oBatchMode=yes -oConnectTimeout=15",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",  # a commit is what its hash says
        "GIT_ATTR_NOSYSTEM": "1",
        **(extra or {}),
    }


def closed(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The same without any configuration but the one in the repository that is named."""
    nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_SYSTEM": os.devnull}
    return environment(extra={**nothing, **(extra or {})})


def within(directory: Path) -> dict[str, str]:
    """The same as `environment`, to read the repository that is in `directory` itself, not one around it."""
    # Grafts do not count, as replaced objects do not: a commit is what its hash says.
    return environment(
        extra={"GIT_CEILING_DIRECTORIES": str(directory.parent), "GIT_GRAFT_FILE": "/dev/null/none"}
    )


def run_git(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    directory: Path | None = None,
    seconds: float = 60,
    stdout: Output = subprocess.PIPE,
) -> Result:
    """Run git and wait for it.

    Its children die with it when time is up or this process is interrupted: else a hanging connection would stay
    behind.

    Args:
        arguments: Those of git, from the name of the command on.
        env: The environment, as `environment` or `closed` makes it.
        directory: The repository; the working directory unless given.
        seconds: The longest it may take.
        stdout: Where its output goes; a pipe unless given.

    Returns:
        Its exit code, or None when time was up, and what it printed.

    Raises:
        EnvironmentError_: git is not installed.
    """
    settings = [word for override in _OVERRIDES for word in ("-c", override)]
    at = ["-C", str(directory)] if directory else []
    try:
        child = start(["git", *settings, *at, *arguments], stdout=stdout, stderr=subprocess.PIPE, env=env)
    except FileNotFoundError:
        raise EnvironmentError_("git is not installed", hint="apt-get install git") from None
    try:
        out, err = child.communicate(timeout=seconds)
        code: int | None = child.returncode
    except subprocess.TimeoutExpired:
        stop(child, patience=0)
        (out, err), code = child.communicate(), None
    except BaseException:
        stop(child, patience=0)
        child.communicate()
        raise
    return Result(code, (out or b"").decode(errors="replace"), err.decode(errors="replace"))


def reason(result: Result) -> str:
    """The line of git's complaint that says most: the first `fatal:` or `error:`, else the last."""
    if result.code is None:
        return "no answer in time"
    for line in map(str.strip, result.err.splitlines()):
        if line.startswith(("fatal: ", "error: ")):
            return line.partition(": ")[2][:300]
    return last_line(result.err, f"git ended with {result.code}")[:300]
