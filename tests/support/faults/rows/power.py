"""SIGKILL, which is what a loss of power is: nothing can be set right by the command itself, so the next one does."""

from __future__ import annotations

import signal
from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import all_of, pipeline, signalled
from tests.support.faults.row import UNDECIDED, Row, step

__all__ = ["ROWS"]

_STEPS: Final = ("deploy", "load", "measure both", "judge", "rollback")

ROWS: Final = tuple(
    Row(
        "SIGKILL, then `pipeline canary rollback`",
        step(name),
        all_of(signalled(signal.SIGKILL), pipeline("canary", "rollback")),
        (-signal.SIGKILL,),
        "",
        judged=(Exit.FAILED, *UNDECIDED),
        duration="8s",
        short=name == "measure both",
    )
    for name in _STEPS
)
