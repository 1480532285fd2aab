"""Looks at what a run needs of this machine. Changes nothing."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from pipeline.base.errors import LabError, LockedError, PipelineError
from pipeline.base.lock import lab_lock
from pipeline.base.places import state_directory, workplace
from pipeline.base.text import reason_of
from pipeline.base.tools import CHROMIUM, JDK, MAVEN, Tool
from pipeline.lab.box import box_directory, box_name
from pipeline.lab.children import call
from pipeline.lab.lab import Lab
from pipeline.lab.provider import PROVIDERS, choose_provider, missing
from pipeline.lab.sets import CANARY, SETS

__all__ = ["Finding", "diagnose"]

_LEAST_FREE_GB = 3  # a box, three hosts and a few runs


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as it should be, its state in words, and what to type if not.

    A run cannot start when something `needed` is not `ok`.
    """

    what: str
    ok: bool
    state: str
    hint: str = ""
    needed: bool = True

    @property
    def word(self) -> str:
        """The first column: a word, so that it can be read without colours."""
        return "ok" if self.ok else ("MISSING" if self.needed else "no")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def diagnose() -> list[Finding]:
    """Everything that a run needs, in the order in which it needs it."""
    return [
        Finding(
            "python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer"
        ),
        *(
            _program(name, *arguments)
            for name, *arguments in (("git", "--version"), ("ssh", "-V"), ("vagrant", "--version"))
        ),
        *_providers(),
        _disk(),
        *_lab(),
        *(_tool(tool) for tool in (MAVEN, JDK, CHROMIUM)),
        _aws(),
    ]


def _program(name: str, *arguments: str) -> Finding:
    if shutil.which(name) is None:
        return Finding(name, False, "not installed", "make setup")
    done = call([name, *arguments])
    said = (done.stdout or done.stderr).strip().splitlines()
    return Finding(name, done.returncode == 0, said[0] if said else f"exit code {done.returncode}")


def _tool(tool: Tool) -> Finding:
    """A program that only some commands need."""
    name = tool.name.removeprefix("a ")
    if (path := tool.path) is None:
        return Finding(name, False, f"{tool.absence}; without it {tool.without}", tool.install, needed=False)
    return Finding(name, True, path, needed=False)


def _aws() -> Finding:
    """Whether the AWS command line would find credentials; whether AWS takes them is asked by `prod up`."""
    without = "without them production is made on this machine: pipeline prod up --cloud vagrant"
    name = "AWS credentials"
    try:
        found = import_module("botocore.session").Session().get_credentials()
    except ImportError:
        return Finding(
            name,
            False,
            f"boto3 is not installed; {without}",
            "pip install 'pipeline-canary[prod]'",
            needed=False,
        )
    except (
        Exception
    ) as error:  # botocore has no one class for a broken configuration, a profile that is not there
        return Finding(name, False, f"{reason_of(error)}; {without}", "aws configure list", needed=False)
    if found is None:
        hint = "aws configure, or export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=..."
        return Finding(name, False, f"none; {without}", hint, needed=False)
    return Finding(name, True, f"from {found.method}", needed=False)


def _providers() -> Iterator[Finding]:
    chosen = None
    try:
        chosen = choose_provider(None)
    except LabError as error:
        yield Finding("a provider", False, error.message, error.hint or "make setup")
    for name in PROVIDERS:
        reason = missing(name)
        yield Finding(
            f"provider {name}",
            reason is None,
            reason or ("will be used" if name == chosen else "works"),
            needed=False,
        )
    if chosen == "lxc":
        there = box_directory(box_name()).is_dir()
        state = box_name() if there else "not built yet; the first run builds it, in about a minute"
        yield Finding("box", there, state, "" if there else "pipeline lab box", needed=False)


def _disk() -> Finding:
    place = workplace()
    free = shutil.disk_usage(place).free / 1e9
    return Finding(
        "disk",
        free >= _LEAST_FREE_GB,
        f"{free:.0f} GB free at {place}",
        "" if free >= _LEAST_FREE_GB else "df -h",
    )


def _lab() -> Iterator[Finding]:
    try:
        state_directory()
    except PipelineError as error:
        yield Finding("state", False, error.message, error.hint or "")
        return
    for host_set in SETS.values():
        try:
            with lab_lock(host_set.state(state_directory())):
                pass
            rows = Lab(workplace(), None, lambda _: None, host_set).status()
            state = ", ".join(f"{name} {state}" for name, state, _ in rows)
            yield Finding(host_set.title, True, state, needed=False)
        except LockedError as error:
            # Only the canary's own lab is needed by a run.
            yield Finding(host_set.title, False, error.message, error.hint or "", needed=host_set is CANARY)
        except PipelineError as error:
            yield Finding(host_set.title, False, error.message, error.hint or "", needed=False)
