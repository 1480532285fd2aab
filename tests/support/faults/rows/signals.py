"""SIGINT, SIGTERM and SIGHUP as each step begins, once and twice."""

from __future__ import annotations

import signal
from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import signalled
from tests.support.faults.row import Row, step

__all__ = ["ROWS"]

_BACK: Final = "persist at the end"  # the proxy is put on blue before anything is deployed as well
_STEPS: Final = (
    *("plan", "lab", "persist", "deploy", "connect", "probe", "load", "measure both"),
    *("save", "judge", "rollback", _BACK, "report"),
)
_CLEANING: Final = (
    "load",
    "measure both",
    "judge",
    "rollback",
)  # where a second one finds a clean-up under way
_JUDGED: Final = ("rollback", _BACK, "report")  # the verdict is there: the run may end with it
_ANY: Final = (Exit.FAILED, Exit.INCONCLUSIVE, Exit.INVALID)


def _signalled(number: signal.Signals, name: str, times: int) -> Row:
    return Row(
        f"{number.name}{' twice' if times == 2 else ''}",
        step("persist", 2) if name == _BACK else step(name),
        signalled(number, times=times),
        (Exit.INTERRUPTED, Exit.INCONCLUSIVE) if name in _JUDGED else (Exit.INTERRUPTED,),
        "^interrupted|^Errors" if name in _JUDGED else "^interrupted",
        judged=_ANY,
        duration="10s",
        short=number is signal.SIGTERM and name == "measure both",
    )


ROWS: Final = (
    *(_signalled(signal.SIGINT, name, 1) for name in _STEPS),
    *(_signalled(signal.SIGINT, name, 2) for name in _CLEANING),
    *(_signalled(signal.SIGTERM, name, 1) for name in ("deploy", "measure both", "judge")),
    *(_signalled(signal.SIGHUP, name, 1) for name in ("deploy", "measure both", "judge")),
)
