"""YAML or JSON as Ansible reads it, with the line of each key; values that cannot be known say why.

Another reader than base/yamlfile.py, which refuses aliases, tags and merge keys: people's group_vars are full of
them, and one vault-encrypted value must not make the others unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import yaml

from pipeline.inventory.entries import Value, is_plain

__all__ = ["Tree", "TreeError", "has_template"]

_DEEPEST = 40
_MOST_NODES = 100_000
_ODD = (
    yaml.YAMLError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
_VAULT = ("!vault", "!vault-encrypted")


class TreeError(ValueError):
    """The text, or a part of it, cannot be read. `line` is where, from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


class _Loader(yaml.SafeLoader):
    """Plain data and Ansible's `!unsafe`, which is text that is no template."""


def _unsafe(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.YAMLError("!unsafe is for text")
    return loader.construct_scalar(node)


_Loader.add_constructor("!unsafe", _unsafe)


class Tree:
    """A text's mappings and values. Raises TreeError for one that is no single document."""

    def __init__(self, text: str) -> None:
        self._loader = _Loader("")
        root = self._from_json(text) or self._from_yaml(text)
        # Comments alone, or `---`, say nothing.
        self.root = None if root is not None and root.tag == "tag:yaml.org,2002:null" else root

    def _from_json(self, text: str) -> yaml.Node | None:
        """As JSON where it is, for Ansible tries that first; its lines are not known."""
        if not text.lstrip().startswith("{"):
            return None
        try:
            data = json.loads(text)
            return yaml.representer.SafeRepresenter(sort_keys=False).represent_data(data)
        except _ODD:
            return None

    def _from_yaml(self, text: str) -> yaml.Node | None:
        try:
            depth = 0
            # Events come one by one and cost no stack; composing what is nested too deeply would.
            for event in yaml.parse(text, Loader=yaml.SafeLoader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
                    event, yaml.CollectionEndEvent
                )
                if depth > _DEEPEST:
                    raise TreeError(event.start_mark.line + 1 if event.start_mark else 1, "nested too deeply")
            return _Loader(text).get_single_node()
        except TreeError:
            raise
        except _ODD as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            said = getattr(error, "problem", None) or str(error).partition("\n")[0]
            raise TreeError(mark.line + 1 if mark else 1, f"not YAML: {said}") from None

    def line(self, node: yaml.Node) -> int:
        """Where a node begins."""
        return node.start_mark.line + 1 if node.start_mark else 1

    def items(self, node: yaml.Node, what: str) -> Iterator[tuple[str, int, yaml.Node, str]]:
        """Key, line, value of each item of a mapping, and why its value is not certain (given twice) or nothing.

        Raises TreeError when it is no mapping; `what` says in words what it should hold.
        """
        if not isinstance(node, yaml.MappingNode):
            raise TreeError(self.line(node), f"{what}: must be a mapping of keys to values")
        own: dict[object, int] = {}
        twice: dict[object, int] = {}
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in own:
                    twice[key_node.value] = own[key_node.value]
                own.setdefault(key_node.value, self.line(key_node))
        try:
            self._loader.flatten_mapping(node)
        except _ODD:
            raise TreeError(self.line(node), f"{what}: its << cannot be followed") from None
        found: dict[str, tuple[int, yaml.Node, str]] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                raise TreeError(self.line(key_node), f"{what}: a key must be text: write it in quotes")
            first = twice.get(key_node.value)
            unsure = f"is given twice, first in line {first}" if first else ""
            found[key_node.value] = (self.line(key_node), value_node, unsure)
        for key, (line, value_node, unsure) in found.items():
            yield key, line, value_node, unsure

    def variables(self, node: yaml.Node, what: str, path: str = "") -> dict[str, Value]:
        """The variables of a mapping; each that cannot be known says why. Raises TreeError when it is none."""
        found = {}
        for name, line, child, unsure in self.items(node, what):
            value, unread = self._value(child)
            found[name] = Value(value, line, name, path, unsure or unread)
        return found

    def _value(self, node: yaml.Node) -> tuple[object, str]:
        if unread := _unreadable(node):
            return None, unread
        try:
            value = self._loader.construct_object(node, deep=True)
        except _ODD:
            return None, "is of a kind that is not known here"
        if not is_plain(value):
            return None, "is not text, a number, true, false or null, nor a list or mapping of these"
        return value, ""


def _unreadable(node: yaml.Node) -> str:
    """Why a value cannot be known, found before it is built: aliases can stand for more than any memory holds."""
    waiting = [(node, 0)]
    seen = 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if seen > _MOST_NODES or depth > _DEEPEST:
            return "is too large or inside itself"
        if item.tag in _VAULT:
            return "is encrypted with ansible-vault"
        if item.tag.startswith("!") and item.tag != "!unsafe":
            line = item.start_mark.line + 1 if item.start_mark else 1
            raise TreeError(line, f"not YAML that Ansible reads: the tag '{item.tag}' is unknown")
        if isinstance(item, yaml.SequenceNode):
            waiting += [(child, depth + 1) for child in item.value]
        elif isinstance(item, yaml.MappingNode):
            waiting += [(child, depth + 1) for pair in item.value for child in pair]
    return ""


def has_template(value: object) -> bool:
    """Whether any text of a value is a template of Ansible's.

    >>> has_template({"a": ["{{ b }}"]}), has_template("{}")
    (True, False)
    """
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, list):
        return any(has_template(item) for item in value)
    return isinstance(value, dict) and any(has_template(item) for item in value.values())
