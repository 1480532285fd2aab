"""A deploy of checkbox.io over another one: broken off as each of its steps begins, or without what it needs."""

from __future__ import annotations

import signal
from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import killed, on, power_back, signalled
from tests.support.faults.row import HOST_DIES, Row, nothing, step

__all__ = ["ROWS"]

_COMMAND: Final = "deploy checkbox.io"
_INSTALL: Final = "operation service install: unpack and install the commit"
# The steps that can change something on a host that has the application already.
_STEPS: Final = (
    "operation service install: MongoDB's users",
    _INSTALL,
    "operation service start: write the unit",
    "operation service start: serve the release",
    "operation Write nginx's site, checked, and load it",
    "operation service start: prove it, with a study",
)
_RELEASES: Final = "/srv/checkbox/releases"
_NEARLY_FULL: Final = (
    f"set -e; cp -a {_RELEASES} /root/kept; kilobytes=$(du -sk {_RELEASES} | cut -f1)"
    f"; mount -t tmpfs -o size=$((kilobytes + 100))k tmpfs {_RELEASES}; cp -a /root/kept/. {_RELEASES}"
)

ROWS: Final = (
    *(
        Row(
            number.name,
            step(name),
            signalled(number),
            (Exit.INTERRUPTED,) if number is signal.SIGINT else (-number,),
            "^interrupted" if number is signal.SIGINT else "",
            command=_COMMAND,
            short=number is signal.SIGKILL and name == _INSTALL,
        )
        for number in (signal.SIGINT, signal.SIGKILL)
        for name in _STEPS
    ),
    *(
        Row(
            "the host loses its power",
            step(name),
            killed("checkbox"),
            (Exit.ENVIRONMENT,),
            r"checkbox: the SSH connection was lost at: ",
            mend=power_back,
            command=_COMMAND,
            within=HOST_DIES,
        )
        for name in _STEPS
    ),
    Row(
        "the disk of the releases is full",
        step(_INSTALL),
        nothing,
        (Exit.ENVIRONMENT,),
        "No space left on device|[Dd]isk",
        before=on("checkbox", _NEARLY_FULL),
        mend=on("checkbox", f"umount -l {_RELEASES}; rm -rf /root/kept"),
        command=_COMMAND,
    ),
    Row(
        "the database goes",
        step("operation service start: serve the release"),
        on("checkbox", "systemctl stop mongod"),
        (Exit.ENVIRONMENT,),
        "[Mm]ongo",
        mend=on("checkbox", "systemctl start mongod"),
        command=_COMMAND,
        within=HOST_DIES,  # five times the version waits for its database, and ends
    ),
    Row(
        "the database goes",
        step("operation service start: prove it, with a study"),
        on("checkbox", "systemctl stop mongod"),
        (Exit.ENVIRONMENT,),
        "[Mm]ongo|does not answer",
        mend=on("checkbox", "systemctl start mongod"),
        command=_COMMAND,
    ),
    Row(
        "nginx goes",
        step("operation service start: prove it, with a study"),
        on("checkbox", "systemctl stop nginx"),
        (Exit.ENVIRONMENT,),
        "nginx|does not answer",
        mend=on("checkbox", "systemctl start nginx"),
        command=_COMMAND,
    ),
    Row(
        "both slots are killed and cannot start",
        step("operation service start: prove it, with a study"),
        on("checkbox", "systemctl mask --runtime --now checkbox@3002 checkbox@3003"),
        (Exit.ENVIRONMENT,),
        "checkbox",
        mend=on("checkbox", "systemctl unmask --runtime checkbox@3002 checkbox@3003"),
        command=_COMMAND,
    ),
)
