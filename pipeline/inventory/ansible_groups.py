"""Ansible's groups: which hosts are in which, and which value of a variable holds for a host.

From weakest to strongest, as Ansible has it: the inventory's variables of `all`, then those of the host's groups by
their depth below `all`, then `ansible_group_priority`, then name; group_vars/all; group_vars of those groups in the
same order; the host's own; host_vars. See "Using variables: variable precedence" in its documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.inventory.entries import Problems, Value

__all__ = ["IMPLIED", "Group", "Groups"]

IMPLIED = ("all", "ungrouped")
_MOST = 50_000


@dataclass(slots=True)
class Group:
    """A group as it stands in the file: hosts and children with their lines, and variables."""

    name: str
    line: int
    hosts: dict[str, int] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    # What is wrong with its hosts, and with its variables: it matters only to who uses them.
    problems: list[tuple[int, str]] = field(default_factory=list)
    doubts: list[tuple[int, str]] = field(default_factory=list)
    priority: int = 1
    depth: int = 0


@dataclass(slots=True)
class _Host:
    line: int
    variables: dict[str, Value] = field(default_factory=dict)
    # A port written behind the name of a host that an earlier line names: Ansible passes over it.
    late_port: Value | None = None


class Groups:
    """Filled by a reader in the order of its file, then `finish`ed."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.groups = {name: Group(name, 1) for name in IMPLIED}
        self.hosts: dict[str, _Host] = {}
        self._parents: dict[str, list[str]] = {}
        self._direct: dict[str, list[str]] = {}

    def group(self, name: str, line: int) -> Group:
        """The group of that name, made when it is new."""
        return self.groups.setdefault(name, Group(name, line))

    def add_hosts(
        self, group: Group, names: list[str], port: int | None, line: int, variables: Mapping[str, Value]
    ) -> None:
        """Put hosts into a group, with the variables of this line."""
        if len(self.hosts) + len(names) > _MOST:
            self.problems.add(line, f"more than {_MOST:,} hosts")
            return
        for name in names:
            first = name not in self.hosts
            host = self.hosts.setdefault(name, _Host(line))
            if port is not None and first:
                host.variables["ansible_port"] = Value(port, line, "ansible_port")
            elif port is not None:
                host.late_port = Value(port, line, "ansible_port")
            group.hosts.setdefault(name, line)
            for key, given in variables.items():
                # Ansible looks a name up among the groups first; so do we, for it is there that its values hold.
                if name in self.groups:
                    self.set_variable(self.groups[name], given)
                else:
                    host.variables[key] = given

    def set_variable(self, group: Group, value: Value) -> None:
        """Give a group a variable."""
        if value.name != "ansible_group_priority":
            group.variables[value.name] = value
            return
        try:
            group.priority = int(value.value)  # type: ignore[call-overload] # anything else is a TypeError
        except (TypeError, ValueError, OverflowError):
            self.problems.add(
                value.line, f"ansible_group_priority must be a whole number, not {value.value!r}"
            )

    def finish(self) -> None:
        """Check what only the whole file shows, and find how deep each group is below `all`."""
        for group in self.groups.values():
            for child, line in [*group.children.items()]:
                if child not in self.groups:
                    self.problems.add(line, f"no such group: '{child}'")
                    del group.children[child]
        parents: dict[str, list[str]] = {name: [] for name in self.groups}
        for group in self.groups.values():
            for child in group.children:
                parents[child].append(group.name)
        for name, above in parents.items():
            if name != "all" and (not above or name == "ungrouped"):
                above.append("all")
        self._parents = parents
        for group in self.groups.values():
            for host in group.hosts if group.name not in IMPLIED else ():
                self._direct.setdefault(host, []).append(group.name)
        self._find_depths()

    def _find_depths(self) -> None:
        """The longest way down from `all`. What is left over is inside itself."""
        waiting = {name: len(above) for name, above in self._parents.items()}
        below: dict[str, list[str]] = {name: [] for name in self.groups}
        for name, above in self._parents.items():
            for parent in above:
                below[parent].append(name)
        ready = [name for name, count in waiting.items() if not count]
        done = 0
        while ready:
            name = ready.pop()
            done += 1
            for child in below[name]:
                self.groups[child].depth = max(self.groups[child].depth, self.groups[name].depth + 1)
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        if done == len(self.groups):
            return
        for group in self.groups.values():
            for child, line in group.children.items():
                if waiting[group.name] and waiting[child] and group.name in self._down(child):
                    self.problems.add(line, f"group '{child}' is inside itself")

    def _down(self, name: str) -> Iterator[str]:
        """A group and those below it, level by level, each once."""
        seen = {name: None}
        level = [name]
        while level:
            yield from level
            children = [child for above in level for child in self.groups[above].children]
            level = [child for child in dict.fromkeys(children) if child not in seen]
            seen.update(dict.fromkeys(level))

    def members(self, name: str) -> dict[str, int]:
        """The hosts of a group and of those below it, each with its line."""
        found: dict[str, int] = {}
        for group in self._down(name):
            for host, line in self.groups[group].hosts.items():
                found.setdefault(host, line)
        return found

    def problems_below(self, name: str) -> Iterator[tuple[int, str]]:
        """What is wrong with the hosts of a group or of one below it."""
        for group in self._down(name):
            yield from self.groups[group].problems
            yield from self.groups[group].doubts

    def around(self, host: str) -> list[Group]:
        """The groups that a host is in but `all`, the weakest first."""
        found: dict[str, None] = {}
        level = self._direct.get(host) or ["ungrouped"]
        while level:
            found.update(dict.fromkeys(level))
            above = dict.fromkeys(parent for name in level for parent in self._parents[name])
            level = [name for name in above if name not in found]
        groups = [self.groups[name] for name in found if name != "all"]
        return sorted(groups, key=lambda group: (group.depth, group.priority, group.name))
