"""Ansible's INI form, line by line as Ansible reads it: `[group]`, `[group:vars]`, `[group:children]`.

What Ansible itself refuses is a problem of the file; everything else is for the groups it concerns.
See "How to build your inventory" and the `ini` inventory plugin in its documentation.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Mapping

from pipeline.inventory.ansible_groups import Group, Groups
from pipeline.inventory.entries import Problems, Value
from pipeline.inventory.hostpattern import RangeError, expand_hosts

__all__ = ["literal", "read_ini"]

_HEADER = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_CHILD = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")


def read_ini(text: str, problems: Problems) -> Groups:
    """The groups of a file."""
    reader = _Reader(problems)
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith(("#", ";")):
            reader.line(line, number)
    for name in reader.only_variables:
        problems.add(reader.groups.groups[name].line, f"no such group: '{name}'")
    reader.groups.finish()
    return reader.groups


def literal(text: str) -> object:
    """A value as Ansible takes it out of the INI form: a Python literal where it is one, else the text.

    Raises ValueError for what Ansible stumbles over.

    >>> literal("2222 # a note"), literal("yes # a note"), literal("[80, 443]")
    (2222, 'yes # a note', [80, 443])
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    except (TypeError, MemoryError, RecursionError):
        raise ValueError(f"{text[:60]!r} cannot be read as a value") from None
    return _plainer(value)


def _plainer(value: object) -> object:
    """What Ansible makes of a literal that no YAML has."""
    if value is ...:
        return "..."
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, list | tuple | set):
        return [_plainer(item) for item in value]
    if isinstance(value, dict):
        return {key: _plainer(item) for key, item in value.items()}
    return value


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.groups = Groups(problems)
        self.group: Group = self.groups.groups["ungrouped"]
        self.kind = "hosts"
        # Groups of which only [name:vars] was seen so far.
        self.only_variables: dict[str, None] = {}

    def line(self, line: str, number: int) -> None:
        """Take one line that says something."""
        header = _HEADER.fullmatch(line)
        if header:
            self._header(header[1], header[2] or "hosts", line, number)
        elif line.startswith("[") and line.endswith("]"):
            self._no_header(line, number)
        elif self.kind == "vars":
            name, equals, value = (part.strip() for part in line.partition("="))
            if not equals or not name:
                self.problems.add(number, f"'{line[:60]}' is not name=value")
            else:
                self.groups.set_variable(self.group, self._value(name, value, number))
        elif self.kind == "children":
            child = _CHILD.fullmatch(line)
            if child is None:
                self.problems.add(number, f"'{line[:60]}' is no group's name")
            else:
                self.group.children.setdefault(child[1], number)
        else:
            self._host(line, number)

    def _value(self, name: str, text: str, number: int) -> Value:
        try:
            return Value(literal(text), number, name)
        except ValueError as error:
            self.problems.add(number, f"{name}: {error}")
            return Value(None, number, name)

    def _no_header(self, line: str, number: int) -> None:
        # The lines below are of a group that is not known, so nothing of the file is.
        self.problems.add(number, f"{line[:60]} is no group: write [name], [name:vars] or [name:children]")

    def _header(self, name: str, kind: str, line: str, number: int) -> None:
        if kind not in ("hosts", "vars", "children"):
            self._no_header(line, number)
            kind = "vars"
        new = name not in self.groups.groups
        self.group, self.kind = self.groups.group(name, number), kind
        if kind == "vars":
            if new:
                self.only_variables[name] = None
        elif name in self.only_variables:
            del self.only_variables[name]
            self.group.line = number

    def _host(self, line: str, number: int) -> None:
        try:
            pattern, *words = shlex.split(line, comments=True)
        except ValueError as error:
            self.problems.add(number, f"cannot be read: {error}")
            return
        variables: dict[str, Value] = {}
        for word in words:
            name, equals, text = word.partition("=")
            if not equals or not name:
                self.problems.add(number, f"'{word[:60]}' is not name=value")
                return
            variables[name] = self._value(name, text, number)
        self._expand(pattern, line, number, variables)

    def _expand(self, pattern: str, line: str, number: int, variables: Mapping[str, Value]) -> None:
        try:
            names, port = expand_hosts(pattern)
        except ValueError as error:
            said = f"'{pattern[:60]}' names no hosts: {error}"
            if pattern.startswith("["):
                self._no_header(line, number)
            elif isinstance(error, RangeError) or pattern == "---" or pattern.endswith(":"):
                self.problems.add(number, said)
            else:
                self.group.problems.append((number, said))
            return
        self.groups.add_hosts(self.group, names, port, number, variables)
