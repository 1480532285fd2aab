"""Hosts that lose their power, in each part of a run."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import killed, power_back
from tests.support.faults.row import HOST_DIES, Moment, Row, second, step

__all__ = ["ROWS"]


def _dies(host: str, moment: Moment, end: Exit, *, schedule: str = "concurrent", short: bool = False) -> Row:
    return Row(
        f"{host} loses its power",
        moment,
        killed(host),
        (end,),
        rf"\bhost {host} stopped answering" if moment.load is not None else rf"\b{host}\b",
        mend=power_back,
        within=HOST_DIES,
        gone=frozenset({host}),
        schedule=schedule,
        duration="8s" if moment.step == "judge" else "60s",
        short=short,
    )


ROWS: Final = (
    _dies("green", step("deploy"), Exit.ENVIRONMENT),
    _dies("blue", step("connect"), Exit.ENVIRONMENT, short=True),
    _dies("proxy", step("connect"), Exit.ENVIRONMENT),
    _dies("blue", step("probe"), Exit.ENVIRONMENT),
    _dies("proxy", second(5), Exit.INVALID),
    _dies("blue", second(5), Exit.INVALID),
    _dies("green", second(5), Exit.INVALID),
    _dies("blue", second(5, "baseline"), Exit.INVALID, schedule="phased"),
    _dies("green", second(5, "baseline"), Exit.INVALID, schedule="phased"),
    _dies("proxy", step("judge"), Exit.INCONCLUSIVE),
)
