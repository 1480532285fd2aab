"""The network: packets lost between two of the hosts, or between the machine and the proxy."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from pipeline.base.facts import PROXY_PORT
from tests.support.faults.row import UNDECIDED, Act, Row, second
from tests.support.faults.scene import Scene

__all__ = ["ROWS"]

_SERVICE: Final = 3000


def _dropped(host: str, port: int, percent: int) -> Act:
    """So many of the packets that other hosts send to a port of this one are lost."""

    def act(scene: Scene) -> None:
        lost = f"numgen random mod 100 < {percent} " if percent < 100 else ""
        scene.guests.outside(
            host, "nft", "add table inet faults;"
            " add chain inet faults input { type filter hook input priority -10; policy accept; };"
            f" add rule inet faults input iifname != lo tcp dport {port} {lost}drop",
        )  # fmt: skip

    return act


def _whole(host: str) -> Act:
    def act(scene: Scene) -> None:
        scene.guests.outside(host, "nft", "delete table inet faults")

    return act


ROWS: Final = (
    Row(
        "nothing comes through to the proxy",
        second(5),
        _dropped("proxy", PROXY_PORT, 100),
        (Exit.INVALID,),
        "proxy",
        mend=_whole("proxy"),
        duration="20s",
        within=60,
        short=True,
    ),
    Row(
        "a fifth of the packets to the proxy is lost",
        second(5),
        _dropped("proxy", PROXY_PORT, 20),
        UNDECIDED,
        "",
        mend=_whole("proxy"),
        duration="20s",
        within=60,
    ),
    Row(
        "the link to green is cut",
        second(5),
        _dropped("green", _SERVICE, 100),
        UNDECIDED,
        "network|link",
        mend=_whole("green"),
        duration="20s",
        within=60,
    ),
    Row(
        "a fifth of the packets to green is lost",
        second(5),
        _dropped("green", _SERVICE, 20),
        UNDECIDED,
        "network|link",
        mend=_whole("green"),
        duration="20s",
        within=60,
    ),
    Row(
        "the link to blue is cut",
        second(5),
        _dropped("blue", _SERVICE, 100),
        UNDECIDED,
        "network|link|baseline",
        mend=_whole("blue"),
        duration="20s",
        within=60,
    ),
)
