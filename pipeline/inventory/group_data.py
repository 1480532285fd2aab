"""`group_data/GROUP.py` of the working directory and beside an inventory, where pyinfra looks for a group's data.

pyinfra executes these files; here they are only read, so a value that is computed is not known.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import read_text
from pipeline.inventory.entries import Problems, Value, is_plain

__all__ = ["GroupData"]

_LARGEST = 1_000_000  # bytes
_COMPUTED = "is computed, and nothing is computed here: write the value itself"


class GroupData:
    """The data of groups. `folders` from weakest to strongest; each file is read once."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._known: dict[str, tuple[dict[str, Value], list[tuple[int, str, str]]]] = {}

    def of(self, group: str, problems: Problems) -> dict[str, Value]:
        """The data of a group, by name; what is wrong with its files becomes a problem."""
        if group not in self._known:
            found: dict[str, Value] = {}
            wrong: list[tuple[int, str, str]] = []
            for path in self._files(group):
                try:
                    found |= _read(path)
                except _NotRead as error:
                    wrong.append((error.line, str(error), str(path)))
            self._known[group] = (found, wrong)
        values, told = self._known[group]
        for line, what, name in told:
            problems.add(line, what, name)
        return {**values}

    def _files(self, group: str) -> list[Path]:
        if "/" in group:
            return []
        try:
            return [path for path in (folder / f"{group}.py" for folder in self._folders) if path.exists()]
        except (OSError, ValueError):  # the name is too long for a file, or no name of one
            return []


class _NotRead(ValueError):
    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def _read(path: Path) -> dict[str, Value]:
    """The names that a file gives values to."""
    name = str(path)
    if not path.is_file():
        raise _NotRead(1, "cannot be read: it is no regular file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            module = ast.parse(read_text(path, name, _LARGEST, encoding="utf-8-sig"))
    except ConfigError as error:
        line, _, what = error.problems[0].removeprefix(f"{name}:").partition(": ")
        raise _NotRead(int(line), what) from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line_number = getattr(error, "lineno", None) or 1
        raise _NotRead(line_number, f"not Python: {getattr(error, 'msg', error)}") from None
    found = {value.name: value for statement in module.body for value in _assigned(statement, name)}
    exported = found.pop("__all__", None)
    if exported is None:
        return found
    if not isinstance(exported.value, list | tuple):
        raise _NotRead(exported.line, f"__all__ {_COMPUTED}")
    return {key: value for key, value in found.items() if key in exported.value}


def _assigned(statement: ast.stmt, path: str) -> Iterator[Value]:
    """What a statement gives a value to. Raises _NotRead where that cannot be told without running it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return
    if isinstance(statement, ast.Import):
        return
    if isinstance(statement, ast.ImportFrom) and all(alias.name != "*" for alias in statement.names):
        return
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield Value(None, statement.lineno, statement.name, path, _COMPUTED)
        return
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    if not targets or not all(isinstance(target, ast.Name) for target in targets):
        raise _NotRead(statement.lineno, "only NAME = VALUE is understood here; nothing is run")
    assert isinstance(statement, ast.Assign | ast.AnnAssign)  # noqa: S101 - only these have targets here
    content, unread = _literal(statement.value)
    for target in targets:
        if isinstance(target, ast.Name) and (target.id == "__all__" or not target.id.startswith("__")):
            yield Value(content, statement.lineno, target.id, path, unread)


def _literal(node: ast.expr | None) -> tuple[object, str]:
    try:
        value = ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None, _COMPUTED
    return (
        (value, "")
        if is_plain(value)
        else (None, "is not text, a number, true, false or None, nor made of these")
    )
