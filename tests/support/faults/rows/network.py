"""The network: packets lost between two of the hosts, or between the machine and the proxy."""

from __future__ import annotations

from typing import Final

from pipeline.base.errors import Exit
from pipeline.base.facts import PROXY_PORT
from tests.support.faults.row import UNDECIDED, Act, Row, nothing, second, step
from tests.support.faults.scene import Scene
from tests.support.slow_link import slow_link

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


def _narrow(host: str, kilobits: int) -> Act:
    """What the host sends is let through at this rate, its SSH included."""

    def act(scene: Scene) -> None:
        rate = ["rate", f"{kilobits}kbit", "burst", "4kb", "latency", "400ms"]
        scene.guests.outside(host, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *rate)

    return act


def _wide(host: str) -> Act:
    def act(scene: Scene) -> None:
        scene.guests.outside(host, "tc", "qdisc", "del", "dev", "eth0", "root")

    return act


def _slow(scene: Scene) -> None:
    """Each packet that green sends waits for 0.1 s, from before the run on."""
    scene.stack.enter_context(slow_link(scene.guests.prefix + "green", 0.1))


def _slow_port(scene: Scene) -> None:
    scene.stack.enter_context(slow_link(scene.guests.prefix + "green", 0.1, port=_SERVICE))


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
    Row(
        "green's link takes 64 kbit/s",
        second(5),
        _narrow("green", 64),
        UNDECIDED,
        # HAProxy's own limits for connecting and for the answer, added up, are longer than the loader waits
        "network|link|the proxy did not answer for them",
        mend=_wide("green"),
        duration="20s",
        within=60,
    ),
    Row(
        "the proxy's link takes 64 kbit/s",
        second(5),
        _narrow("proxy", 64),
        UNDECIDED,
        "",
        mend=_wide("proxy"),
        duration="20s",
        within=60,
    ),
    Row(
        "green's link delays by 0.1 s, from the beginning",
        step("load"),
        nothing,
        (Exit.INCONCLUSIVE,),
        "connecting takes 1",
        before=_slow,
        schedule="phased",
        duration="20s",
        within=60,
    ),
    Row(
        "a relay before green's service delays by 0.1 s, from the beginning",
        step("load"),
        nothing,
        (Exit.INCONCLUSIVE,),
        "network between the proxy and green",
        before=_slow_port,
        schedule="phased",
        duration="20s",
        within=60,
    ),
    Row(
        "the link to green is cut",
        second(22, "canary"),
        _dropped("green", _SERVICE, 100),
        (Exit.INCONCLUSIVE,),
        "network between the proxy and green loses packets",
        mend=_whole("green"),
        schedule="phased",
        duration="20s",
        within=60,
    ),
)
