"""The Python form of an inventory file: `[all]`, then `group = [("name", {"ssh_hostname": ...}), ...]`.

Read with Python's own parser, for its line numbers, and never executed: only literals are understood.
"""

from __future__ import annotations

import ast
import difflib

from pipeline.inventory.entries import PARTS, Entry, Problems, Value

__all__ = ["read_python"]


def read_python(text: str, problems: Problems) -> dict[str, tuple[int, list[Entry]]]:
    """Groups with their line and entries."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        problems.add(getattr(error, "lineno", None) or 1, f"not Python: {getattr(error, 'msg', error)}")
        return {}
    groups: dict[str, tuple[int, list[Entry]]] = {}
    for statement in module.body:
        if isinstance(statement, ast.Expr) and ast.unparse(statement) == "[all]":
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
        groups[group] = (statement.lineno, _group_entries(statement.value, problems))
    # `all` is pyinfra's own group: hosts with their data, to be named again in the others.
    groups.pop("all", None)
    return groups


def _group_entries(node: ast.expr, problems: Problems) -> list[Entry]:
    """The hosts of `[...]`, or of `([...], {data of all of them})`."""
    shared: dict[str, Value] = {}
    if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict):
        shared = _values(node.elts[1], problems)
        node = node.elts[0]
    if not isinstance(node, ast.List):
        problems.add(node.lineno, "a group must be a list of hosts")
        return []
    entries = []
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
            entries.append(Entry(name.value, item.lineno, {**shared, **own}))
    return entries


def _values(node: ast.Dict, problems: Problems) -> dict[str, Value]:
    """The data of a host, with the line of each key."""
    found: dict[str, Value] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        line = key.lineno if key is not None else node.lineno
        try:
            name, content = ast.literal_eval(key) if key is not None else None, ast.literal_eval(value)
        except (ValueError, TypeError):
            problems.add(line, f"{ast.unparse(value)} is not a plain value; nothing is computed here")
            continue
        if not isinstance(name, str):
            problems.add(line, "a key must be text")
        elif name not in PARTS and (name.startswith(("ssh_", "ansible_")) or _is_typo(name)):
            problems.key(line, name, list(PARTS))
        else:
            found[name] = Value(content, line, name)
    return found


def _is_typo(name: str) -> bool:
    """Whether a name is so near to a known key that it can hardly be the deploys' data."""
    return bool(difflib.get_close_matches(name, PARTS, 1, 0.85))
