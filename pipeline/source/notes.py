"""What a reader of the tree should know before anything boots: Git LFS pointers, submodules, uncommitted changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pipeline.base.text import plural
from pipeline.source.git import Result

__all__ = ["tree_notes", "uncommitted"]

_POINTER: Final = "version https://git-lfs.github.com/spec/v1"
_POINTER_BYTES: Final = 1024  # no pointer is longer, says its specification
_LOOKED_INTO: Final = 200
_NAMED: Final = 3


def tree_notes(git: Callable[[list[str]], Result], sha: str, ref: str) -> list[str]:
    """What the tree of a commit holds in place of content: sentences; none when it is all there.

    `git` runs it in the repository that has no configuration.
    """
    listed = git(["ls-tree", "-r", "-l", "-z", sha])
    modules, small = list[str](), dict[str, str]()
    for entry in filter(None, listed.out.split("\0")):
        about, _, path = entry.partition("\t")
        mode, kind, oid, size = about.split()
        if mode == "160000":
            modules.append(path)
        elif kind == "blob" and mode != "120000" and size.isdigit() and int(size) < _POINTER_BYTES:
            small[path] = oid
    pointers = _pointers(git, sha, small)
    notes = []
    if pointers:
        notes.append(
            f"{ref}: {plural(len(pointers), 'file')} of Git LFS {_are(pointers)} deployed as "
            f"{'a pointer' if len(pointers) == 1 else 'pointers'}, without content: {_some(pointers)}"
        )
    if modules:
        notes.append(
            f"{ref}: {plural(len(modules), 'submodule')} {_are(modules)} deployed as "
            f"{'an empty directory' if len(modules) == 1 else 'empty directories'}: {_some(modules)}"
        )
    return notes


def _pointers(git: Callable[[list[str]], Result], sha: str, small: dict[str, str]) -> list[str]:
    found = git(["grep", "-l", "-z", "--full-name", "-F", "-e", _POINTER, sha])
    paths = [path.removeprefix(f"{sha}:") for path in found.out.split("\0")]
    candidates = [path for path in paths if path in small]
    # A file that only quotes a pointer does not begin with it.
    return [
        path
        for index, path in enumerate(candidates)
        if index >= _LOOKED_INTO
        or git(["cat-file", "blob", small[path]]).out.startswith((f"{_POINTER}\n", f"{_POINTER}\r\n"))
    ]


def uncommitted(
    git: Callable[[list[str], dict[str, str]], Result], head: str, index: Path, work_tree: Path
) -> list[str]:
    """A sentence on changed and new files of a work tree, which no commit has; none when there are none.

    git reads the real index and files, but no configuration of the repository: a clean filter named there would run.
    """
    where = {
        "GIT_INDEX_FILE": os.fspath(index),
        "GIT_WORK_TREE": os.fspath(work_tree),
    }
    # The index is refreshed in memory only. In a submodule git would read a configuration that is not ours.
    diff = ["-c", "diff.autoRefreshIndex=false", "diff", "--name-only", "-z", "--ignore-submodules=all"]
    asked = (git(diff, where), git([*diff, "--cached", *([head] if head else [])], where))
    changed = sorted({path for result in asked for path in result.out.split("\0") if path})
    others = git(["ls-files", "--others", "--exclude-standard", "-z"], where)
    new = sorted(path for path in others.out.split("\0") if path)
    if not changed and not new:
        return []
    counts = [f"{plural(len(changed), 'changed file')}"] if changed else []
    counts += [f"{plural(len(new), 'new file')}"] if new else []
    return [
        f"uncommitted changes in the work tree are not part of what is deployed: "
        f"{' and '.join(counts)} ({_some([*changed, *new])})"
    ]


def _are(things: list[str]) -> str:
    return "is" if len(things) == 1 else "are"


def _some(paths: Iterable[str]) -> str:
    listed = list(paths)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more
