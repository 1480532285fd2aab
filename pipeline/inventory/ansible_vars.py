"""`group_vars/` and `host_vars/` beside an inventory: which files Ansible takes for a group or a host.

A file is called as the group or host, with the ending .yml, .yaml or .json or none; or a folder is, whose files are
taken in the order of their names. Of several only the first is taken, as Ansible does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import read_text
from pipeline.inventory.entries import Problems, Value
from pipeline.inventory.yamltree import Tree, TreeError

__all__ = ["VAULT", "VarsFolders"]

VAULT = "$ANSIBLE_VAULT"
_ENDINGS = ("", ".yml", ".yaml", ".json")
_LARGEST = 1_000_000  # bytes


class VarsFolders:
    """The folders beside one inventory. Each file is read once."""

    def __init__(self, beside: Path) -> None:
        self.beside = beside
        self._read: dict[tuple[str, str], list[tuple[dict[str, Value], tuple[str, int, str] | None]]] = {}

    def of_group(self, name: str, problems: Problems) -> dict[str, Value]:
        """What group_vars/ says about a group."""
        return self._variables("group_vars", name, problems)

    def of_host(self, name: str, problems: Problems) -> dict[str, Value]:
        """What host_vars/ says about a host."""
        return self._variables("host_vars", name, problems)

    def _variables(self, folder: str, name: str, problems: Problems) -> dict[str, Value]:
        if (folder, name) not in self._read:
            self._read[folder, name] = [_read(path) for path in self._files(folder, name)]
        found: dict[str, Value] = {}
        for values, problem in self._read[folder, name]:
            found |= values
            if problem is not None:
                path, line, what = problem
                problems.add(line, what, path)
        return found

    def _files(self, folder: str, name: str) -> list[Path]:
        place = self.beside / folder
        # A name with a slash would lead out of the folder.
        if "/" in name or name in (".", "..") or not _is_dir(place):
            return []
        for ending in _ENDINGS:
            path = place / f"{name}{ending}"
            if _is_dir(path):
                return [*_inside(path)]
            if _exists(path):
                return [path]
        return []


def _inside(folder: Path, depth: int = 0) -> Iterator[Path]:
    """The files of a folder in the order of their names; hidden ones, back-ups and other endings are no variables."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        # Reading it will say why it cannot be read.
        yield folder
        return
    for name in names:
        if name.startswith(".") or name.endswith("~"):
            continue
        path, ending = folder / name, Path(name).suffix
        if _is_dir(path):
            if not ending and depth < 20:
                yield from _inside(path, depth + 1)
        elif ending in _ENDINGS:
            yield path


def _read(path: Path) -> tuple[dict[str, Value], tuple[str, int, str] | None]:
    """The variables of a file, or the path, the line and what is wrong there."""
    name = str(path)
    try:
        if not path.is_file() and not path.is_dir():
            return {}, (name, 1, "cannot be read: it is no regular file")
        text = read_text(path, name, _LARGEST, encoding="utf-8-sig")
    except ConfigError as error:
        said = error.problems[0].removeprefix(f"{name}:")
        line, _, what = said.partition(": ")
        return {}, (name, int(line), what)
    if text.startswith(VAULT):
        said = "encrypted with ansible-vault, so where its hosts are is not known"
        return {}, (name, 1, f"{said}: give an inventory without it, with every value in the file itself")
    try:
        tree = Tree(text)
        return ({} if tree.root is None else tree.variables(tree.root, "the file", name)), None
    except TreeError as error:
        return {}, (name, error.line, str(error))


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
