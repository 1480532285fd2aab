"""What both forms of inventory file have in common: entries with line numbers become hosts, or problems."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.base.errors import InventoryError
from pipeline.inventory.hosts import Host

__all__ = ["PARTS", "Entry", "Problems", "Value", "hosts_of"]

# How SSH reaches a host, as pyinfra names it; every other key is data for the deploys.
PARTS = {
    "ssh_hostname": "address",
    "ssh_port": "port",
    "ssh_user": "user",
    "ssh_key": "key",
    "private_address": "private_address",
    "ssh_known_hosts_file": "known_hosts",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the line it stands in. `name` is the key as the file spells it."""

    value: object
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A host as one group names it. The keys of `values` are those of PARTS, or names of data."""

    name: str
    line: int
    values: Mapping[str, Value] = field(default_factory=dict)


class Problems:
    """Everything wrong with one file, told together."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, line: int, message: str) -> None:
        self.found.append((line, message))

    def key(self, line: int, name: str, known: Sequence[str]) -> None:
        """Report a key that is none, with the one that was probably meant."""
        if "pass" in name:
            self.add(line, f"'{name}': passwords are not taken, name a key file or use an agent")
            return
        close = difflib.get_close_matches(name, known, 1, 0.7)
        self.add(line, f"no key '{name}'" + (f"; did you mean '{close[0]}'?" if close else " is known here"))

    def raise_if_any(self) -> None:
        """Raises InventoryError when there are problems: a line each, in the file's order, none twice."""
        lines = [f"{self.path}:{line}: {message}" for line, message in sorted(dict.fromkeys(self.found))]
        if lines:
            raise InventoryError("\n".join(lines), hint="see inventories/README.md for examples")


def hosts_of(
    groups: Mapping[str, tuple[int, Sequence[Entry]]], problems: Problems
) -> dict[str, tuple[Host, ...]]:
    """Hosts by group. `groups` holds for each the line it starts in and its entries."""
    result: dict[str, tuple[Host, ...]] = {}
    known: dict[str, Host] = {}
    for group, (line, entries) in groups.items():
        if not entries:
            problems.add(line, f"group '{group}' is empty")
        hosts: dict[str, Host] = {}
        for entry in entries:
            host = _make_host(entry, problems)
            if entry.name in hosts:
                problems.add(entry.line, f"host '{entry.name}' is in group '{group}' twice")
            elif known.setdefault(entry.name, host) != host:
                problems.add(entry.line, f"host '{entry.name}' is described differently in another group")
            hosts[entry.name] = host
        result[group] = tuple(hosts.values())
    return result


def _make_host(entry: Entry, problems: Problems) -> Host:
    """One host; where a value cannot be used a problem is noted and the usual one taken."""
    texts = {"address": entry.name, "user": "root", "private_address": "", "key": "", "known_hosts": ""}
    port = 22
    for key_name, part in PARTS.items():
        given = entry.values.get(key_name)
        if given is None:
            continue
        if part == "port":
            port = _make_port(given, problems)
        elif isinstance(given.value, str) and given.value.strip():
            texts[part] = given.value
        else:
            problems.add(given.line, f"{given.name} must be text, not {given.value!r}")
    for part in ("address", "private_address", "user"):
        # A leading dash would be an option to ssh.
        if texts[part].startswith("-") or any(c.isspace() for c in texts[part]):
            problems.add(entry.line, f"host '{entry.name}': {texts[part]!r} cannot be its {part}")
    key = Path(texts["key"]).expanduser() if texts["key"] else None
    if key is not None and not key.is_file():
        problems.add(entry.values["ssh_key"].line, f"no key file {texts['key']}")
    return Host(
        entry.name,
        texts["address"],
        port=port,
        user=texts["user"],
        key=key,
        private_address=texts["private_address"],
        data={name: value.value for name, value in entry.values.items() if name not in PARTS},
        where=f"{problems.path}:{entry.line}",
        # not there yet is fine: the first connection makes it
        known_hosts=Path(texts["known_hosts"]).expanduser() if texts["known_hosts"] else None,
    )


def _make_port(given: Value, problems: Problems) -> int:
    """A port between 1 and 65535, or 22 and a problem."""
    text = str(given.value)
    if isinstance(given.value, bool) or not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        problems.add(given.line, f"{given.name} {given.value!r} is no port (1 to 65535)")
        return 22
    return int(text)
