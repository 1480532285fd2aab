"""HAProxy stopped, killed, frozen or told otherwise: nothing of that is the canary's fault."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import on
from tests.support.faults.row import HOST_DIES, Row, second, step

__all__ = ["ROWS"]

_FREEZE: Final = "pkill -STOP -x haproxy"
_PROMOTE: Final = (
    'import socket; s = socket.socket(socket.AF_UNIX); s.connect("/run/haproxy/admin.sock");'
    ' s.sendall(b"set map /etc/haproxy/active.map active green\\n"); print(s.recv(100))'
)
_THAW: Final = "pkill -CONT -x haproxy"

ROWS: Final = (
    Row(
        "HAProxy is stopped",
        second(5),
        on("proxy", "systemctl stop haproxy"),
        (Exit.INVALID,),
        "HAProxy",
        mend=on("proxy", "systemctl start haproxy"),
        short=True,
    ),
    Row(
        "HAProxy is stopped",
        step("probe"),
        on("proxy", "systemctl stop haproxy"),
        (Exit.ENVIRONMENT,),
        "HAProxy",
        mend=on("proxy", "systemctl start haproxy"),
    ),
    Row(
        "HAProxy is frozen",
        second(5),
        on("proxy", _FREEZE),
        (Exit.INVALID,),
        "HAProxy",
        within=HOST_DIES,
        mend=on("proxy", _THAW),
    ),
    Row(
        "HAProxy is killed, and systemd starts it again",
        second(28, "canary"),
        on("proxy", "systemctl kill -s KILL haproxy"),
        (Exit.INVALID,),
        "HAProxy|proxy",
        schedule="phased",
        duration="20s",
    ),
    Row(
        "somebody promotes by hand",
        second(8),
        on("proxy", f"python3 -c '{_PROMOTE}'"),
        (Exit.INVALID,),
        "HAProxy|proxy",
    ),
)
