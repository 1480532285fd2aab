"""The signals that end a command, before it begins and after its end: nothing there has to be ended in order.

In between `pipeline/base/interrupt.py` says what they do.
"""

from __future__ import annotations

import signal
from typing import Final

__all__ = ["ENDING", "hold_signals", "ignore_signals", "release_signals"]

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def hold_signals() -> None:
    """Let signals wait until `release_signals`: while modules are read, one would end in a traceback of theirs."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def release_signals() -> None:
    """What came since `hold_signals` comes now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def ignore_signals() -> None:
    """From here on no signal does anything: all is done and told, and the process ends with its own exit code.

    Python puts the system's handlers back while it ends, but leaves those alone that ignore: without this a second
    Ctrl-C at that moment would kill the process, and its exit code would say so.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
