"""What `ss -H -lntup` prints, as data."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

__all__ = ["Listener", "listeners"]


@dataclass(frozen=True)
class Listener:
    """A socket that waits for others: `address` without brackets and zone, `*` for all."""

    protocol: str
    address: str
    port: int
    program: str
    user: str = ""

    @property
    def loopback(self) -> bool:
        """Whether only this host's own processes reach it.

        >>> [Listener("tcp", a, 1, "x").loopback for a in ("127.0.0.53", "::1", "::ffff:127.0.0.1", "*", "::")]
        [True, True, True, False, False]
        """
        if self.address == "*":
            return False
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback


def listeners(text: str, owners: dict[str, str]) -> list[Listener]:
    """One for each line; `owners` says whose a process is, by its number.

    >>> listeners('tcp LISTEN 0 5 127.0.0.53%lo:53 0.0.0.0:* users:(("resolved",pid=9,fd=3))', {"9": "root"})
    [Listener(protocol='tcp', address='127.0.0.53', port=53, program='resolved', user='root')]
    """
    found = []
    for line in text.splitlines():
        words = line.split(maxsplit=6)
        address, _, port = words[4].rpartition(":")
        owner = re.search(r'\(\("([^"]+)",pid=(\d+)', words[6] if len(words) > 6 else "")
        found.append(
            Listener(
                words[0],
                address.split("%")[0].strip("[]"),
                int(port),
                owner[1] if owner else "",
                owners.get(owner[2], "") if owner else "",
            )
        )
    return found
