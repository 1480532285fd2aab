"""The Ansible form of an inventory file: `[group]`, then `host ansible_host=... ansible_user=...` a line.

Understood: groups, `[group:vars]`, `[group:children]`, host variables, `#` and `;` comments. The nearest
value wins: a host's own, its group's, the group above, `[all:vars]`. See Ansible's "How to build your inventory".
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.inventory_hosts import Entry, Problems, Value

__all__ = ["read_ansible"]

KEYS = {
    "ansible_host": "address",
    "ansible_port": "port",
    "ansible_user": "user",
    "ansible_ssh_private_key_file": "key",
    "ansible_private_key_file": "key",
    "ansible_ssh_host": "address",
    "ansible_ssh_port": "port",
    "ansible_ssh_user": "user",
    "private_address": "private_address",
}
# About Ansible's own way of working, which has no counterpart here.
WITHOUT_MEANING = {
    "ansible_python_interpreter",
    "ansible_become",
    "ansible_become_method",
    "ansible_become_user",
}


@dataclass(slots=True)
class Group:
    """A group as it stands in the file. `line` is None while only its variables have been seen."""

    line: int | None = None
    hosts: list[tuple[str, int]] = field(default_factory=list)
    children: list[tuple[str, int]] = field(default_factory=list)
    variables: dict[str, Value] = field(default_factory=dict)


def read_ansible(text: str, problems: Problems) -> dict[str, tuple[int, list[Entry]]]:
    """Groups with their line and entries; not `all` and `ungrouped`, which Ansible implies."""
    reader = Reader(problems)
    for number, line in enumerate(text.splitlines(), 1):
        reader.line(line.strip(), number)
    return {
        name: (group.line, reader.entries(name))
        for name, group in reader.groups.items()
        if group.line is not None and name not in ("all", "ungrouped")
    }


class Reader:
    """Collects the groups line by line; `entries` then resolves who is in one, with what."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.groups: dict[str, Group] = {"all": Group(), "ungrouped": Group()}
        self.of_hosts: dict[str, dict[str, Value]] = {}
        self.group = self.groups["ungrouped"]
        self.kind = "hosts"

    def line(self, line: str, number: int) -> None:
        """Take one line of the file."""
        header = re.fullmatch(r"\[([^\]:\s]+)(?::(hosts|vars|children))?\]\s*([#;].*)?", line)
        if not line or line.startswith(("#", ";")):
            return
        if header:
            self.group = self.groups.setdefault(header[1], Group())
            self.kind = header[2] or "hosts"
            if self.kind != "vars" and self.group.line is None:
                self.group.line = number
        elif line.startswith("["):
            self.problems.add(number, f"{line} is no group: write [name], [name:vars] or [name:children]")
        elif self.kind == "vars":
            # Here everything behind the = is the value, and blanks around it do not count.
            self.variable(line, number, self.group.variables)
        else:
            try:
                words = shlex.split(line, comments=True)
            except ValueError as error:
                self.problems.add(number, f"cannot be read: {error}")
                return
            if self.kind == "children":
                self.group.children.append((words[0], number))
            else:
                self.host(words[0], words[1:], number)

    def host(self, name: str, words: list[str], number: int) -> None:
        if re.search(r"[\[\]=,]", name):
            self.problems.add(number, f"'{name}' is no host's name; instead of a range write a line each")
            return
        self.group.hosts.append((name, number))
        own = self.of_hosts.setdefault(name, {})
        for word in words:
            self.variable(word, number, own)

    def variable(self, text: str, number: int, into: dict[str, Value]) -> None:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            self.problems.add(number, f"'{text}' is not name=value")
        elif name in KEYS:
            into[KEYS[name]] = Value(value.strip("'\""), number, name)
        elif name == "ansible_connection" and value not in ("ssh", "smart", "paramiko"):
            self.problems.add(number, f"ansible_connection={value}: only hosts reached by SSH can be used")
        elif name not in WITHOUT_MEANING and name != "ansible_connection":
            if name.startswith(("ansible_", "ssh_")) or difflib.get_close_matches(name, KEYS, 1, 0.85):
                self.problems.key(number, name, list(KEYS))
            else:
                into[name] = Value(value, number, name)

    def entries(self, name: str) -> list[Entry]:
        """The hosts of a group and of those below it, the nearest value of each variable."""
        found: list[Entry] = []
        for host, number, path in self.members(name, ()):
            values = dict(self.groups["all"].variables)
            for group in path:
                values |= self.groups[group].variables
            found.append(Entry(host, number, values | self.of_hosts[host]))
        return found

    def members(self, name: str, above: tuple[str, ...]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Each host of a group with its line and the groups that lead to it, outermost first."""
        path = (*above, name)
        for host, number in self.groups[name].hosts:
            yield host, number, path
        for child, number in self.groups[name].children:
            if child in path:
                self.problems.add(number, f"group '{child}' is inside itself")
            elif child not in self.groups or self.groups[child].line is None:
                self.problems.add(number, f"no such group: '{child}'")
            else:
                yield from self.members(child, path)
