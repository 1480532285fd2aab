"""SSH lost while the hosts still serve, and keys that changed."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.acts import all_of, on, pipeline, then
from tests.support.faults.row import UNDECIDED, Row, second, step

__all__ = ["ROWS"]

_GONE: Final = "systemctl stop ssh; pkill -KILL -x sshd"
_BACK: Final = "systemctl start ssh"

ROWS: Final = (
    Row(
        "sshd of green is gone for 3 s",
        second(5),
        all_of(on("green", _GONE, check=False), then(3, on("green", _BACK))),
        UNDECIDED,
        "",
        duration="15s",
        mend=on("green", _BACK),
    ),
    Row(
        "sshd of green is gone",
        second(5),
        on("green", _GONE, check=False),
        (Exit.INVALID,),
        "^SSH to host green is lost, and with it its health; the proxy still reaches its service$",
        mend=on("green", _BACK),
        within=60,
    ),
    Row(
        "sshd of proxy is gone",
        second(5),
        on("proxy", _GONE, check=False),
        (Exit.INVALID,),
        "type: pipeline canary rollback",
        mend=all_of(on("proxy", _BACK), then(1, pipeline("canary", "rollback"))),
        within=60,
    ),
    Row(
        "green has another host key",
        step("deploy"),
        on("green", "mv /etc/ssh/ssh_host_ed25519_key /root/k; mv /etc/ssh/ssh_host_ed25519_key.pub /root/k.pub;"
           " ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh"),
        (Exit.ENVIRONMENT,),
        "green",
        mend=on("green", "mv /root/k /etc/ssh/ssh_host_ed25519_key; mv /root/k.pub /etc/ssh/ssh_host_ed25519_key.pub;"
                " systemctl restart ssh"),
        short=True,
    ),
)  # fmt: skip
