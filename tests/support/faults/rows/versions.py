"""A version frozen, killed or crashing on its host, and the exporters that watch it."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import every, on
from tests.support.faults.row import UNDECIDED, Row, second

__all__ = ["ROWS"]

_SERVICE: Final = "systemctl kill -s {} canary"


def _exporter(host: str, name: str, *, short: bool = False) -> Row:
    unit = f"prometheus-{name}-exporter"
    return Row(
        f"the {name} exporter of {host} is stopped",
        second(5),
        on(host, f"systemctl stop {unit}"),
        UNDECIDED,
        {"blue": "baseline", "green": "canary", "proxy": ""}[
            host
        ],  # no verdict rests on the proxy's own figures
        mend=on(host, f"systemctl start {unit}"),
        duration="15s",
        short=short,
    )


def _frozen(rate: int, *, short: bool = False) -> Row:
    return Row(
        "the canary is frozen",
        second(8),
        on("green", _SERVICE.format("STOP")),
        (Exit.FAILED,),
        "the canary gave no good answer|Errors",
        mend=on("green", _SERVICE.format("CONT")),
        rate=rate,
        short=short,
    )


ROWS: Final = (
    _frozen(50),
    _frozen(10, short=True),
    Row(
        "the baseline is frozen",
        second(8),
        on("blue", _SERVICE.format("STOP")),
        (Exit.INVALID,),
        "baseline",
        mend=on("blue", _SERVICE.format("CONT")),
        within=60,
    ),
    Row(
        "the baseline is stopped",
        second(4, "baseline"),
        on("blue", "systemctl stop canary"),
        (Exit.INVALID,),
        "baseline",
        mend=on("blue", "systemctl start canary"),
        schedule="phased",
        rate=50,
    ),
    Row(
        "something else takes all memory of green",
        second(8),
        every(4, 5, on("green", "timeout 20 tail /dev/zero; true")),
        (Exit.OK, *UNDECIDED),
        "",
        duration="25s",
        within=60,
    ),
    Row(
        "the canary crashes every second",
        second(8),
        every(1, 40, on("green", _SERVICE.format("KILL"), check=False)),
        (Exit.FAILED,),
        "Errors|restarts|the canary gave no good answer",
    ),
    Row(
        "the baseline crashes every second",
        second(8),
        every(1, 60, on("blue", _SERVICE.format("KILL"), check=False)),
        UNDECIDED,
        "baseline",
        within=60,
    ),
    _exporter("green", "node", short=True),
    _exporter("green", "process"),
    _exporter("blue", "node"),
    _exporter("blue", "process"),
    _exporter("proxy", "node"),
)
