"""What the forms of inventory have in common: variables with their lines become hosts, or problems."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from pipeline.base.environment import environment, fill_values
from pipeline.base.errors import InventoryError
from pipeline.base.text import printable
from pipeline.inventory.hosts import Host

__all__ = ["PARTS", "Entry", "Grouped", "Problems", "Value", "hosts_of", "is_plain", "pyinfra_data"]

# How SSH reaches a host, as pyinfra names it; every other key is data for the deploys.
PARTS = {
    "ssh_hostname": "address",
    "ssh_port": "port",
    "ssh_user": "user",
    "ssh_key": "key",
    "private_address": "private_address",
    "ssh_known_hosts_file": "known_hosts",
}
_MOST = 10  # problems told of one inventory
_LONGEST = 400  # characters of a message: names and values in it may be anything


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it stands.

    `name` is the key as the file spells it, `path` that file, or empty for the inventory itself. `unread` says why
    the value cannot be known (encrypted, a template), or is empty.
    """

    value: object
    line: int
    name: str
    path: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A host with all that holds for it. The keys of `values` are those of PARTS, or names of data."""

    name: str
    line: int
    values: Mapping[str, Value] = field(default_factory=dict)


class Problems:
    """Everything wrong with one inventory, told together."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: list[tuple[str, int, str]] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, line: int, message: str, path: str = "") -> None:
        """Note a problem of a line of the inventory, or of the file `path` beside it."""
        self.found.append((path, line, printable(message, _LONGEST)))

    def key(self, value: Value, known: Collection[str]) -> None:
        """Report a key that is none, with the one that was probably meant."""
        if re.search("pass|pasw|pwd", value.name):
            said = f"'{value.name}': passwords are not taken, name a key file or use an agent"
        else:
            close = difflib.get_close_matches(value.name, known, 1, 0.7)
            guess = f"; did you mean '{close[0]}'?" if close else " is known here"
            said = f"no key '{value.name}'{guess}"
        self.add(value.line, said, value.path)

    def raise_if_any(self) -> None:
        """Raises InventoryError when there are problems: a line each, in the order of the files, none twice.

        Of many the first ten are told: a file that is no inventory at all has one in each line.
        """
        found = sorted(dict.fromkeys(self.found))
        if found:
            lines = [f"{path or self.path}:{line}: {message}" for path, line, message in found[:_MOST]]
            lines += [f"{self.path}: and {len(found) - _MOST} more problems"] if len(found) > _MOST else []
            raise InventoryError("\n".join(lines), hint="see inventories/README.md for examples")


class Grouped(Protocol):
    """An inventory that was read, of whatever form. What is wrong with a group is told when that group is wanted."""

    @property
    def lines(self) -> Mapping[str, int]:
        """The groups, each with the line it starts in."""

    def entries(self, group: str, problems: Problems) -> list[Entry]:
        """The hosts of a group; what cannot be used becomes a problem."""


def hosts_of(
    grouped: Grouped, groups: Sequence[str], problems: Problems, *, filled: bool
) -> dict[str, tuple[Host, ...]]:
    """The hosts of each of `groups`. A group without any is a problem where they must be `filled`."""
    result: dict[str, tuple[Host, ...]] = {}
    # A line that could not be read may have held a group's hosts: then nobody knows whether it is empty.
    known = filled and not problems
    for group in groups:
        before = len(problems.found)
        entries = grouped.entries(group, problems)
        if known and not entries and len(problems.found) == before:
            problems.add(grouped.lines[group], f"group '{group}' is empty")
        result[group] = tuple(_make_host(_filled(entry, problems), problems) for entry in entries)
    return result


def is_plain(value: object, deepest: int = 40) -> bool:
    """Whether a value is only text, finite numbers, true, false, nothing, and lists and mappings of these."""
    if value is None or isinstance(value, str | int):
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list | tuple) and deepest:
        return all(is_plain(item, deepest - 1) for item in value)
    if isinstance(value, dict) and deepest:
        return all(isinstance(k, str | int) and is_plain(v, deepest - 1) for k, v in value.items())
    return False


def pyinfra_data(values: dict[str, Value], problems: Problems) -> dict[str, Value]:
    """Data as pyinfra names it, without what is no key: that becomes a problem."""
    found: dict[str, Value] = {}
    for name, value in values.items():
        if name not in PARTS and (name.startswith(("ssh_", "ansible_")) or _is_typo(name)):
            problems.key(value, PARTS)
        else:
            found[name] = value
    return found


def _is_typo(name: str) -> bool:
    """Whether a name is so near to a known key that it can hardly be the deploys' data."""
    return bool(difflib.get_close_matches(name, PARTS, 1, 0.85))


def _filled(entry: Entry, problems: Problems) -> Entry:
    """The entry with each `${NAME}` of its values taken from the environment; what is missing there is a problem."""
    surroundings, values = environment(), {}
    for name, value in entry.values.items():
        values[name] = value
        if value.unread:
            continue  # a value that nobody knows has nothing to fill in
        try:
            values[name] = replace(value, value=fill_values(value.value, surroundings))
        except ValueError as problem:
            problems.add(value.line, f"{value.name}: {problem}", value.path)
    return replace(entry, values=values)


def _make_host(entry: Entry, problems: Problems) -> Host:
    """One host; where a value cannot be used a problem is noted and the usual one taken."""
    texts = {"address": entry.name, "user": "root", "private_address": "", "key": "", "known_hosts": ""}
    port = 22
    for key_name, part in PARTS.items():
        given = entry.values.get(key_name)
        if given is None:
            continue
        if given.unread:
            problems.add(given.line, f"{given.name} of '{entry.name}' {given.unread}", given.path)
        elif part == "port":
            port = _make_port(given, problems)
        elif isinstance(given.value, str) and given.value.strip():
            texts[part] = given.value
        else:
            problems.add(given.line, f"{given.name} must be text, not {given.value!r}", given.path)
    for key_name, part in PARTS.items():
        # A leading dash would be an option to ssh, and a blank is mostly a note that became part of the value.
        if part in ("address", "private_address", "user") and not _is_word(texts[part]):
            value = entry.values.get(key_name)
            at, path = (value.line, value.path) if value else (entry.line, "")
            note = "; a note needs a line of its own" if " #" in texts[part] else ""
            problems.add(at, f"host '{entry.name}': {texts[part]!r} cannot be its {part}{note}", path)
    key = Path(texts["key"]).expanduser() if texts["key"] else None
    if key is not None and not _is_file(key):
        value = entry.values["ssh_key"]
        problems.add(value.line, f"no key file {texts['key']}", value.path)
    data = {name: value for name, value in entry.values.items() if name not in PARTS}
    return Host(
        entry.name,
        texts["address"],
        port=port,
        user=texts["user"],
        key=key,
        private_address=texts["private_address"],
        data={name: value.value for name, value in data.items() if not value.unread},
        unread={
            name: f"{value.path or problems.path}:{value.line}: '{name}' {value.unread}"
            for name, value in data.items()
            if value.unread
        },
        where=f"{problems.path}:{entry.line}",
        # not there yet is fine: the first connection makes it
        known_hosts=Path(texts["known_hosts"]).expanduser() if texts["known_hosts"] else None,
    )


def _is_word(text: str) -> bool:
    return not text.startswith("-") and not any(c.isspace() or not c.isprintable() for c in text)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False


def _make_port(given: Value, problems: Problems) -> int:
    """A port between 1 and 65535, or 22 and a problem."""
    text = str(given.value)
    fits = len(text) <= 5 and text.isascii() and text.isdigit() and 0 < int(text) < 65536
    if isinstance(given.value, bool) or not fits:
        problems.add(given.line, f"{given.name} {given.value!r} is no port (1 to 65535)", given.path)
        return 22
    return int(text)
