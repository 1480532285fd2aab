"""Hosts in groups: wherever they come from, this is all that the rest of the program sees of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.base.errors import InventoryError

__all__ = ["Host", "Inventory"]


@dataclass(frozen=True, slots=True)
class Host:
    """A machine reached by SSH.

    `address` and `port` are where SSH answers; `private_address` is where the other hosts reach it
    (the same, unless the machine sits behind a forwarded port as under VirtualBox). `where` is FILE:LINE of the
    inventory file it came from, for messages, or empty; it does not make two hosts different. `known_hosts` is the
    file of its host key, or None for the caller's usual one. `unread` is data that the files give but whose value
    cannot be known (encrypted, a template): by name, a line that says where and why.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    key: Path | None = None
    private_address: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    where: str = field(default="", compare=False)
    known_hosts: Path | None = None
    unread: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.private_address:
            object.__setattr__(self, "private_address", self.address)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Named groups of hosts. `path` is the file it came from, or None."""

    groups: Mapping[str, tuple[Host, ...]]
    path: Path | None = None

    def __iter__(self) -> Iterator[Host]:
        seen: set[str] = set()
        for hosts in self.groups.values():
            for host in hosts:
                if host.name not in seen:
                    seen.add(host.name)
                    yield host

    def one(self, group: str) -> Host:
        """The only host of `group`. Raises InventoryError when there is none or more than one."""
        hosts = self.groups.get(group, ())
        if len(hosts) != 1:
            where = self.path or "inventory"
            raise InventoryError(
                f"{where}: group '{group}' needs exactly one host, it has {len(hosts)}",
                hint="see inventories/README.md for an example",
            )
        return hosts[0]
