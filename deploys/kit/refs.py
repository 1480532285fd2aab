"""What a ref means: the commit that git finds, unless two things have the name.

pipeline/source/refs.py is the same file: neither may import the other (tests/unit/source/test_refs.py compares them).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["AmbiguousRefError", "commit_of", "is_plain", "remote_branch"]

_LONGEST: Final = 1000
# The name before what walks on from it: ~1, ^2, @{1}, :path.
_NAME: Final = re.compile(r"(?:(?!@\{)[^~^:])*")
# What can be a branch's name, with nothing that walks on from it and nothing that is a pattern.
_BRANCH: Final = re.compile(r"(?:(?!@\{)[^~^:*?\[\\\s])+")
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BEGINNING: Final = re.compile(r"[0-9a-f]{4,64}")
_PLACES: Final = ("refs/heads/{}", "refs/tags/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD", "refs/{}")


class AmbiguousRefError(Exception):
    """The ref could mean several commits: one line, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def is_plain(ref: str) -> bool:
    """Whether `ref` can be given to git at all: printable, no option, not endless."""
    return bool(ref) and not ref.startswith("-") and ref.isprintable() and len(ref) <= _LONGEST


def commit_of(ref: str, rev_parse: Callable[[str], tuple[str, str]]) -> str | None:
    """The full hash of the commit that `ref` is; None when git finds none.

    Args:
        ref: As the user gave it; `is_plain` holds.
        rev_parse: Gives the hash that `git rev-parse --verify` prints for an expression (empty: it fails), and what
            it says on stderr with core.warnAmbiguousRefs set.

    Raises:
        AmbiguousRefError: Two things have this name and are not the same commit, or several hashes begin so.
    """
    found, said = rev_parse(ref)
    if _HASH.fullmatch(found):
        # Not `REF^{commit}` at once: after `:/text`, `REF:path` and a date git reads that as part of them.
        found, _ = rev_parse(f"{found}^{{commit}}")
    elif _BEGINNING.fullmatch(ref):
        found, said = rev_parse(f"{ref}^{{commit}}")  # it may be the only commit that begins so
    if "is ambiguous" in said:
        _refuse_two_meanings(ref, rev_parse)
        if not found:
            raise AmbiguousRefError(
                f"'{ref}' is ambiguous: several objects begin so", "write more digits of it"
            )
    return found if _HASH.fullmatch(found) else None


def remote_branch(ref: str, branches: Callable[[str], str]) -> tuple[str, str] | None:
    """The branch of a remote that `git checkout REF` would take where no other ref is called so, and its commit.

    Args:
        ref: A ref of which `commit_of` finds no commit.
        branches: Gives what `git for-each-ref` prints for a pattern: `HASH REFNAME` lines.

    Raises:
        AmbiguousRefError: Several remotes have it, with different commits.

    >>> remote_branch("v6", lambda pattern: f"{'a' * 40} refs/remotes/origin/v6")
    ('origin/v6', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
    """
    if not _BRANCH.fullmatch(ref):
        return None
    lines = [line.split(" ", 1) for line in branches(f"refs/remotes/*/{ref}").splitlines()]
    found = {name.removeprefix("refs/remotes/"): sha for sha, name in lines}
    if len(set(found.values())) > 1:
        raise AmbiguousRefError(
            f"'{ref}' is ambiguous: {' and '.join(found)} differ", f"write {next(iter(found))}"
        )
    return next(iter(found.items()), None)


def _refuse_two_meanings(ref: str, rev_parse: Callable[[str], tuple[str, str]]) -> None:
    matched = _NAME.match(ref)
    name = matched.group() if matched else ref
    if name in ("HEAD", "@", ""):
        return  # a branch of this name changes nothing: everybody means where the repository is
    # Asked without the rest, too: `both~1` is ambiguous although only one of the two has a parent.
    meant = {}
    for place in _PLACES:
        found, _ = rev_parse(f"{place.format(name)}^{{commit}}")
        if found:
            meant[place.format(name)] = found
    if len(set(meant.values())) > 1:
        raise AmbiguousRefError(
            f"'{ref}' is ambiguous: {' and '.join(meant)} differ",
            f"write one of them in full, such as {next(iter(meant))}{ref[len(name) :]}",
        )
