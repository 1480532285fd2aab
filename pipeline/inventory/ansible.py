"""The Ansible form of an inventory file: `[group]`, then `host ansible_host=... ansible_user=...` a line.

Understood: groups, `[group:vars]`, `[group:children]`, host variables, `#` and `;` comments. The nearest
value wins: a host's own, its group's, the group above, `[all:vars]`.
See "How to build your inventory" in its documentation.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.inventory.entries import Entry, Problems, Value

__all__ = ["read_ansible"]

_KEYS = {
    "ansible_host": "ssh_hostname",
    "ansible_port": "ssh_port",
    "ansible_user": "ssh_user",
    "ansible_ssh_private_key_file": "ssh_key",
    "ansible_private_key_file": "ssh_key",
    "ansible_ssh_host": "ssh_hostname",
    "ansible_ssh_port": "ssh_port",
    "ansible_ssh_user": "ssh_user",
    "private_address": "private_address",
}
_IMPLIED = ("all", "ungrouped")
# About Ansible's own way of working, which has no counterpart here.
_WITHOUT_MEANING = {
    "ansible_python_interpreter",
    "ansible_become",
    "ansible_become_method",
    "ansible_become_user",
}


@dataclass(slots=True)
class _Group:
    """A group as it stands in the file, from `line` on; not `there` while only its variables were seen."""

    line: int
    there: bool = False
    hosts: list[tuple[str, int]] = field(default_factory=list)
    children: list[tuple[str, int]] = field(default_factory=list)
    variables: dict[str, Value] = field(default_factory=dict)


def read_ansible(text: str, problems: Problems) -> dict[str, tuple[int, list[Entry]]]:
    """Groups with their line and entries; not `all` and `ungrouped`, which Ansible implies."""
    reader = _Reader(problems)
    for number, line in enumerate(text.splitlines(), 1):
        reader.line(line.strip(), number)
    members = {name: reader.members(name, ()) for name in reader.groups}
    result = {}
    for name, group in reader.groups.items():
        if group.there:
            found = [Entry(host, line, reader.values(host, members)) for host, line in members[name]]
            result[name] = (group.line, found)
        elif name not in _IMPLIED:
            problems.add(group.line, f"no such group: '{name}'")
    return {name: group for name, group in result.items() if name not in _IMPLIED}


class _Reader:
    """Collects the groups line by line; then `members` has the hosts of a group, `values` the variables of a host."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.groups: dict[str, _Group] = {name: _Group(1) for name in _IMPLIED}
        self.of_hosts: dict[str, dict[str, Value]] = {}
        self.group = self.groups["ungrouped"]
        self.kind = "hosts"

    def line(self, line: str, number: int) -> None:
        """Take one line of the file."""
        header = re.fullmatch(r"\[([^\]:\s]+)(?::(hosts|vars|children))?\]\s*([#;].*)?", line)
        if not line or line.startswith(("#", ";")):
            return
        if header:
            self.group = self.groups.setdefault(header[1], _Group(number))
            self.kind = header[2] or "hosts"
            if self.kind != "vars" and not self.group.there:
                self.group.line, self.group.there = number, True
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
        elif name in _KEYS:
            into[_KEYS[name]] = Value(value.strip("'\""), number, name)
        elif name == "ansible_connection" and value not in ("ssh", "smart", "paramiko"):
            self.problems.add(number, f"ansible_connection={value}: only hosts reached by SSH can be used")
        elif name not in _WITHOUT_MEANING and name != "ansible_connection":
            if name.startswith(("ansible_", "ssh_")) or difflib.get_close_matches(name, _KEYS, 1, 0.85):
                self.problems.key(number, name, list(_KEYS))
            else:
                into[name] = Value(value, number, name)

    def values(self, host: str, members: Mapping[str, list[tuple[str, int]]]) -> dict[str, Value]:
        """The nearest value of each variable: of all, of its groups from the outermost in, its own."""
        around = [name for name, found in members.items() if any(host == other for other, _ in found)]
        values = dict(self.groups["all"].variables)
        for name in sorted(around, key=lambda name: -self.height(name, ())):
            values |= self.groups[name].variables
        return values | self.of_hosts[host]

    def height(self, name: str, above: tuple[str, ...]) -> int:
        """How many layers of groups are below this one."""
        inside = [c for c, _ in self.groups[name].children if c in self.groups and c not in (*above, name)]
        return max((1 + self.height(child, (*above, name)) for child in inside), default=0)

    def members(self, name: str, above: tuple[str, ...]) -> list[tuple[str, int]]:
        """The hosts of a group and of those below it, each with its line."""
        found = list(self.groups[name].hosts)
        for child, number in self.groups[name].children:
            if child in (*above, name):
                self.problems.add(number, f"group '{child}' is inside itself")
            elif child not in self.groups or not self.groups[child].there:
                self.problems.add(number, f"no such group: '{child}'")
            else:
                # A host may well be in several of them.
                known = {host for host, _ in found}
                found += [m for m in self.members(child, (*above, name)) if m[0] not in known]
        return found
