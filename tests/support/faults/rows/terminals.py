"""Who reads what the command says goes away: a terminal is closed, a pipe ends, a descriptor is shut."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.row import UNDECIDED, Row, nothing, step
from tests.support.faults.scene import Scene

__all__ = ["ROWS"]

_ANY: Final = (Exit.FAILED, *UNDECIDED)


def _on_a_terminal(scene: Scene) -> None:
    scene.on_a_terminal()


def _closed(scene: Scene) -> None:
    scene.close_terminal()


def _through(shell: str) -> tuple[str, ...]:
    """The command, with its output as the shell's line has it."""
    return ("bash", "-c", f'set -o pipefail; "$@" {shell}', "bash")


def _no_reader(fault: str, shell: str) -> Row:
    def wrapped(scene: Scene) -> None:
        scene.wrapper = _through(shell)

    return Row(
        fault,
        step("show"),
        nothing,
        (Exit.INCONCLUSIVE,),
        "",
        before=wrapped,
        duration="5s",
    )


ROWS: Final = (
    *(
        Row(
            "the terminal is closed",
            moment,
            _closed,
            (Exit.INTERRUPTED,),
            "",
            before=_on_a_terminal,
            judged=_ANY,
            short=moment.step == "load",
        )
        for moment in (step("deploy"), step("load"), step("judge"))
    ),
    _no_reader("the output goes to `true`, which reads nothing", "| true"),
    _no_reader("the output goes to `head -1`", "| head -1 >&2"),
    _no_reader("standard output is shut", ">&-"),
    _no_reader("standard error is shut", "2>&-"),
)
