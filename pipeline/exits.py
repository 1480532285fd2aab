"""The exit codes of every command, named. Read this and `errors.py` first.

A verdict never shares a number with a failure of the tool: 1 is what Python itself ends with on an
unexpected error, so a crash can never be read as "the canary failed".
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


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
