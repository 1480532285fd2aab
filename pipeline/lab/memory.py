"""Whether the lab's hosts answer SSH, and the memory that each of them sees."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

from pipeline.base.errors import HostError
from pipeline.base.text import reason_of
from pipeline.inventory.hosts import Host
from pipeline.remote.ask import ask, ask_all

__all__ = ["memories", "memory"]

_CONNECT_SECONDS = 3  # ssh itself would wait 10 s for an address that nobody has
_SECONDS = 15


def memory(host: Host, known_hosts: Path) -> int:
    """The bytes of memory that the host sees. Raises HostError when it does not answer."""
    place = f"{host.address}:{host.port}"
    try:
        socket.create_connection((host.address, host.port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise HostError(host.name, f"SSH at {place}: {reason_of(error)}") from None
    answer = ask(host, "grep MemTotal: /proc/meminfo", known_hosts=known_hosts, seconds=_SECONDS)
    if answer.status is None:
        raise HostError(host.name, f"no SSH within {_SECONDS} s at {place}")
    words = answer.stdout.split()
    if answer.status != 0 or len(words) != 3 or not words[1].isdigit():
        raise HostError(host.name, f"SSH at {place}: {answer.said('no answer')}")
    return int(words[1]) * 1024


def memories(hosts: Iterable[Host], known_hosts: Path) -> dict[str, int | HostError]:
    """Ask all hosts at once: by name the memory of each in bytes, or why it does not answer."""

    def question(host: Host) -> int | HostError:
        try:
            return memory(host, known_hosts)
        except HostError as error:
            return error

    return {host.name: found for host, found in ask_all(hosts, question)}
