"""Ansible's YAML form: groups with `hosts`, `vars` and `children`, as its `yaml` inventory plugin reads them."""

from __future__ import annotations

import yaml

from pipeline.base.errors import InventoryError
from pipeline.inventory.ansible_groups import Group, Groups
from pipeline.inventory.entries import Problems
from pipeline.inventory.hostpattern import RangeError, expand_hosts
from pipeline.inventory.yamltree import Tree, TreeError

__all__ = ["read_yaml_inventory"]

_NOTHING = "tag:yaml.org,2002:null"
_TEXT = "tag:yaml.org,2002:str"
_PARTS = ("hosts", "vars", "children")


def read_yaml_inventory(text: str, problems: Problems, convert: str) -> Groups:
    """The groups of a file. Raises InventoryError, with `convert` as what to type, for a file of another purpose."""
    groups = Groups(problems)
    try:
        tree = Tree(text)
        if tree.root is None:
            raise TreeError(1, "no group of hosts in this file")
        top = [*tree.items(tree.root, "the inventory")]
        if plugin := next((line for name, line, _, _ in top if name in ("plugin", "_meta")), None):
            raise InventoryError(
                f"{problems.path}:{plugin}: not a list of hosts but what a plugin or a script makes one of",
                hint=convert,
            )
        reader = _Reader(tree, groups)
        for name, line, node, unsure in top:
            reader.group(name, line, node, unsure, 0)
    except TreeError as error:
        problems.add(error.line, str(error))
    groups.finish()
    return groups


class _Reader:
    def __init__(self, tree: Tree, groups: Groups) -> None:
        self.tree = tree
        self.groups = groups
        self.seen = 0

    def group(self, name: str, line: int, node: yaml.Node, unsure: str, depth: int) -> None:
        """Take a group with what it holds. Raises TreeError."""
        self.seen += 1
        if self.seen > 10_000 or depth > 40:
            raise TreeError(line, "too many groups, or one that is inside itself")
        if not name.strip():
            raise TreeError(line, "a group must have a name")
        group = self.groups.group(name, line)
        if unsure:
            group.doubts.append((line, f"group '{name}' {unsure}"))
        if node.tag == _NOTHING:
            return
        for key, at, part, again in self.tree.items(node, f"group '{name}'"):
            if key not in _PARTS:
                said = f"group '{name}' has no '{key}': hosts, vars and children are its keys"
                group.doubts.append((at, said))
            elif again:
                group.doubts.append((at, f"'{key}' of group '{name}' {again}"))
            elif part.tag == _NOTHING:
                continue
            elif key == "vars":
                for value in self.tree.variables(part, f"vars of group '{name}'").values():
                    self.groups.set_variable(group, value)
            else:
                self._members(group, key, part, depth)

    def _members(self, group: Group, key: str, node: yaml.Node, depth: int) -> None:
        items: list[tuple[str, int, yaml.Node, str]]
        if node.tag == _TEXT and isinstance(node, yaml.ScalarNode):
            # One name alone may stand there without a colon.
            items = [(node.value, self.tree.line(node), yaml.ScalarNode(_NOTHING, ""), "")]
        else:
            items = [*self.tree.items(node, f"{key} of group '{group.name}'")]
        for name, line, child, unsure in items:
            if key == "children":
                self.group(name, line, child, unsure, depth + 1)
                group.children.setdefault(name, line)
                continue
            if unsure:
                group.problems.append((line, f"host '{name}' {unsure}"))
            try:
                names, port = expand_hosts(name)
            except RangeError as error:
                raise TreeError(line, f"'{name[:60]}' names no hosts: {error}") from None
            except ValueError as error:
                group.problems.append((line, f"'{name[:60]}' names no hosts: {error}"))
                continue
            variables = {} if child.tag == _NOTHING else self.tree.variables(child, f"host '{name[:60]}'")
            self.groups.add_hosts(group, names, port, line, variables)
