"""The Python form of an inventory file: `[all]`, then `group = [("name", {"ssh_hostname": ...}), ...]`.

Read with Python's own parser, for its line numbers, and never executed: only literals are understood. From weakest to
strongest, as pyinfra has it: the data of `all`, of the host's groups in the order of the file, of the host; each
group's file in `group_data/` wins over the data that stands with the group.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.inventory.entries import Entry, Problems, Value, pyinfra_data
from pipeline.inventory.group_data import GroupData

__all__ = ["PythonInventory", "read_python"]


@dataclass(slots=True)
class _Group:
    line: int
    hosts: list[tuple[str, int, dict[str, Value]]] = field(default_factory=list)
    shared: dict[str, Value] = field(default_factory=dict)


class PythonInventory:
    """Groups that were read from a file, and the data beside it. `stem` is the file's name, a group in pyinfra."""

    def __init__(self, groups: dict[str, _Group], group_data: GroupData, stem: str) -> None:
        # `all` is pyinfra's own group: hosts with their data, to be named again in the others.
        self._all = groups.pop("all", _Group(1))
        self._groups = groups
        self._group_data = group_data
        self._stem = stem

    @property
    def lines(self) -> Mapping[str, int]:
        """The groups with their lines."""
        return {name: group.line for name, group in self._groups.items()}

    def entries(self, group: str, problems: Problems) -> list[Entry]:
        """The hosts of a group; what cannot be used becomes a problem."""
        found: dict[str, Entry] = {}
        for host, line, _ in self._groups[group].hosts:
            if host in found:
                problems.add(line, f"host '{host}' is in group '{group}' twice")
            found[host] = Entry(host, line, self._values(host, problems))
        return [*found.values()]

    def _values(self, host: str, problems: Problems) -> dict[str, Value]:
        groups = {
            name: group for name, group in self._groups.items() if any(host == h for h, _, _ in group.hosts)
        }
        values = self._all.shared | self._group_data.of("all", problems)
        for name, group in groups.items():
            values |= group.shared | self._group_data.of(name, problems)
        if self._stem not in self._groups:
            values |= self._group_data.of(self._stem, problems)
        own: dict[str, Value] = {}
        for group in (*groups.values(), self._all):
            for _, line, data in (item for item in group.hosts if item[0] == host):
                if any(name in own and own[name].value != value.value for name, value in data.items()):
                    problems.add(line, f"host '{host}' is described differently in another group")
                own |= data
        return pyinfra_data(values | own, problems)


def read_python(text: str, group_data: GroupData, stem: str, problems: Problems) -> PythonInventory:
    """The groups of a file."""
    groups: dict[str, _Group] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        problems.add(getattr(error, "lineno", None) or 1, f"not Python: {getattr(error, 'msg', error)}")
        module = ast.Module([], [])
    for statement in module.body:
        if isinstance(statement, ast.Expr) and _is_all(statement.value):
            continue
        if not (
            isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
        ):
            problems.add(statement.lineno, "only `[all]` and `group = [hosts]` are understood here")
            continue
        group = statement.targets[0].id
        if group in groups:
            problems.add(statement.lineno, f"group '{group}' is there twice")
        groups[group] = _read_group(statement, problems)
    return PythonInventory(groups, group_data, stem)


def _is_all(node: ast.expr) -> bool:
    """`[all]`, or the text that a file begins with."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    return isinstance(node, ast.List) and [getattr(item, "id", "") for item in node.elts] == ["all"]


def _read_group(statement: ast.Assign, problems: Problems) -> _Group:
    """The hosts of `[...]`, or of `([...], {data of all of them})`."""
    node = statement.value
    group = _Group(statement.lineno)
    if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict):
        group.shared = _values(node.elts[1], problems)
        node = node.elts[0]
    if not isinstance(node, ast.List):
        problems.add(node.lineno, "a group must be a list of hosts")
        return group
    for item in node.elts:
        name: ast.expr = item
        own: dict[str, Value] = {}
        if isinstance(item, ast.Tuple) and len(item.elts) == 2 and isinstance(item.elts[1], ast.Dict):
            name, own = item.elts[0], _values(item.elts[1], problems)
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str) or not name.value:
            problems.add(item.lineno, 'a host must be "name" or ("name", {data})')
        elif name.value.startswith("@"):
            problems.add(item.lineno, f"host '{name.value}': only hosts reached by SSH can be used")
        else:
            group.hosts.append((name.value, item.lineno, own))
    return group


def _values(node: ast.Dict, problems: Problems) -> dict[str, Value]:
    """The data of a host, with the line of each key."""
    found: dict[str, Value] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        line = key.lineno if key is not None else node.lineno
        try:
            name, content = ast.literal_eval(key) if key is not None else None, ast.literal_eval(value)
        except (ValueError, TypeError, RecursionError, MemoryError):
            problems.add(line, f"{ast.unparse(value)} is not a plain value; nothing is computed here")
            continue
        if not isinstance(name, str):
            problems.add(line, "a key must be text")
        else:
            found[name] = Value(content, line, name)
    return found
