"""Every error this tool raises on purpose, as one tree.

::

    PipelineError                 one line: what is wrong, where; `hint`: the next command to type
     +- UsageError                exit 2
     |   +- ConfigError           a configuration file, all its problems together
     |   +- InventoryError        an inventory file, with line numbers
     |   +- SourceError           a repository or a ref
     |   +- RunDirectoryError     a run directory that cannot be read
     +- EnvironmentError_         exit 3
     |   +- LabError              Vagrant, the box, the provider
     |   +- HostError             one host: SSH, a service on it
     |   |   +- ServiceError      the code under test does not install, start or answer
     |   +- ProvisionError        a deploys/ file that did not finish
     |   +- LoadError             the loader itself
     |   +- LockedError           another command holds the lab or the inventory
     +- Interrupted               exit 130
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "ConfigError",
    "EnvironmentError_",
    "Exit",
    "HostError",
    "Interrupted",
    "InventoryError",
    "LabError",
    "LoadError",
    "LockedError",
    "PipelineError",
    "ProvisionError",
    "RunDirectoryError",
    "ServiceError",
    "SourceError",
    "UsageError",
]


class Exit(IntEnum):
    """What the process ends with.

    >>> int(Exit.FAILED)
    10
    """

    OK = 0  # the command did what it was asked; for `canary` and `judge`: the canary passed
    INTERNAL = 1  # a defect in this tool
    USAGE = 2  # the command line, a configuration file, a repository or a ref is wrong
    ENVIRONMENT = 3  # the machine, a host or the network is not as needed
    FAILED = 10  # verdict: the canary is worse; `verify`: a check failed
    INCONCLUSIVE = 11  # verdict: not enough evidence either way
    INVALID = 12  # verdict: the experiment itself is broken
    INTERRUPTED = 130  # Ctrl-C or SIGTERM; what was measured is kept


class PipelineError(Exception):
    """An error a user can act on.

    `message` is one line that says what is wrong and where; `hint` is the next thing to type, or None.
    """

    exit_code: ClassVar[Exit] = Exit.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PipelineError):
    """What the user gave is wrong; nothing was changed."""

    exit_code = Exit.USAGE


class ConfigError(UsageError):
    """A configuration file with one or more problems, reported together.

    `problems` holds one line each, `FILE:LINE: what is wrong`.
    """

    def __init__(self, path: str, problems: Sequence[str], *, hint: str | None = None) -> None:
        count = len(problems)
        super().__init__(f"{path}: {count} problem{'s' if count != 1 else ''}", hint=hint)
        self.problems = tuple(problems)


class InventoryError(UsageError):
    """An inventory file that cannot be used."""


class SourceError(UsageError):
    """A repository that is none, or a ref that does not exist in it."""


class RunDirectoryError(UsageError):
    """A run directory that is missing, incomplete or of another format."""


class EnvironmentError_(PipelineError):
    """The machine, a host or the network is not as needed."""

    exit_code = Exit.ENVIRONMENT


class LabError(EnvironmentError_):
    """Vagrant, the provider or the box did not do its part."""


class HostError(EnvironmentError_):
    """One host cannot be reached or does not do what it must. `host` is its name."""

    def __init__(self, host: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{host}: {message}", hint=hint)
        self.host = host


class ServiceError(HostError):
    """The code under test does not install, start or answer on a host.

    `step` says which: install, start, probe. `machine`: by what was said, the host or its network kept it from that.
    """

    def __init__(
        self, host: str, step: str, message: str, *, machine: bool = False, hint: str | None = None
    ) -> None:
        super().__init__(host, message, hint=hint)
        self.step = step
        self.machine = machine


class ProvisionError(EnvironmentError_):
    """A deploys/ file that did not finish on all hosts. `hosts` names those on which it did not."""

    def __init__(self, message: str, *, hosts: Sequence[str] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.hosts = tuple(hosts)


class LoadError(EnvironmentError_):
    """The loader could not start or did not finish."""


class LockedError(EnvironmentError_):
    """Another command is using the same lab, or the hosts of the same inventory or environment."""


class Interrupted(PipelineError):
    """Ctrl-C or SIGTERM, turned into an ordinary ending."""

    exit_code = Exit.INTERRUPTED
