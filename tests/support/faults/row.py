"""One fault of the table: what is done, at which moment of which run, and what must come of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.base.errors import Exit

if TYPE_CHECKING:
    from tests.support.faults.scene import Scene

__all__ = ["HOST_DIES", "SOON", "UNDECIDED", "Act", "Moment", "Row", "nothing", "second", "step"]

Act = Callable[["Scene"], None]

# Seconds from the fault to the command's end, as bounds that a busy machine keeps, too: the table has what it took.
SOON: Final = 30
HOST_DIES: Final = 60

UNDECIDED: Final[tuple[int, ...]] = (
    Exit.INCONCLUSIVE,
    Exit.INVALID,
)  # what no evidence, or half of it, is worth


def nothing(scene: Scene) -> None:
    """No fault, and nothing to mend."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When the fault comes: as a step of the run begins, or when a request due at second `load` has been answered.

    Of a step that comes more than once it is the one of this `number`.
    """

    step: str = ""
    number: int = 1
    load: float | None = None
    arm: str = ""

    def __str__(self) -> str:
        if self.step:
            return self.step if self.number == 1 else f"{self.step} ({self.number})"
        return f"load, second {self.load:g}{f' ({self.arm})' if self.arm else ''}"


def step(name: str, number: int = 1) -> Moment:
    """As the step of this name begins, for the first time or the `number`th."""
    return Moment(step=name, number=number)


def second(at: float, arm: str = "") -> Moment:
    """In the load, `at` seconds after it began; `arm` says for the reader whose phase that is."""
    return Moment(load=at, arm=arm)


@dataclass(frozen=True, slots=True)
class Row:
    """A fault and its outcome.

    - `fault`: in words
    - `moment`: when it comes
    - `act`: does it
    - `ends`: the exit codes that are true, mostly one; that of a command that a signal killed is its number below 0
    - `says`: what the first line says, a regular expression
    - `mend`: undoes it, after everything was looked at but the proxy's colour
    - `colour`: who answers through the proxy then, asked over HTTP: blue, green; empty where HAProxy is not there
    - `within`: the longest it may take from the fault to the end, in seconds
    - `judged`: what `pipeline judge RUN` may end with; None: with the run's verdict, or undecided where it has none
    - `gone`: hosts that are not running at the end
    - `baseline`, `canary`, `schedule`, `rate`, `duration`, `warmup`, `options`: the run
    - `before`: done before the run begins
    - `command`: in words, where it is put into another command than a canary
    - `short`: part of `make test`
    """

    fault: str
    moment: Moment
    act: Act
    ends: tuple[int, ...]
    says: str
    mend: Act = nothing
    colour: str = "blue"
    within: int = SOON
    judged: tuple[int, ...] | None = None
    gone: frozenset[str] = frozenset()
    baseline: str = "master"
    canary: str = "master"
    schedule: str = "concurrent"
    rate: int = 10
    duration: str = "60s"
    warmup: str = "3s"
    options: tuple[str, ...] = field(default=())
    before: Act = nothing
    command: str = ""
    short: bool = False

    @property
    def name(self) -> str:
        """The row's name in pytest and in the table."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.fault} {self.moment} {self.run}".lower()).strip("-")

    @property
    def run(self) -> str:
        """Which run it is put into, in the table's words."""
        return self.command or f"{self.schedule}, {self.rate}/s"
