"""Random refs: nothing is resolved that git does not resolve to the same commit, and nothing raises anything else.

    python -m bench.inputs.fuzz_refs --count 10000 --seed 1

A branch and a tag of one name, hashes too short, text after `:/`, what is no text at all. Refused on purpose are
names of two things, and what is no plain text.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from bench.inputs.run import options, show
from pipeline.base.errors import SourceError
from pipeline.source.opening import open_source
from pipeline.source.repository import Source

__all__ = ["checked", "fuzzed", "prepare"]

_SAFE: Final = {
    "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "PATH": os.environ["PATH"],
}
_PERSON: Final = ["-c", "user.name=t", "-c", "user.email=t@t"]
_NAMES: Final = (
    "master", "both", "topic/x", "v1", "HEAD", "@", "ORIG_HEAD", "origin", "refs/heads/both", "tags/both", "stash",
    "heads/master", ":/one", ":/two", ":/", ":file", ":0:file", ":/!-one", "nothing", "2026", "odd^{commit}",
    "v1-1-gHASH", "HASH", "SHORT",
)  # fmt: skip
_ENDS: Final = (
    "", "", "", "", "", "", "",
    "~1", "~1", "~", "^", "^2", "^0", "^{commit}", "^{tree}", "^{}", "^{/one}", "^{/", "@{0}", "@{-1}", "@{u}",
    "@{now}", ":file", ":d", ":d/sub", ":", "..", "...", "^@", "^!", "^-", "~99", "^{blob}", ":odd",
)  # fmt: skip
_ODD: Final = "~^:@{}/.-*?[\\ 0aé\u200b\x00\n\x1b\udcff'\"$`;|&<>!%"


def _git(at: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        ["git", *_PERSON, "-C", str(at), *arguments],
        env=_SAFE, capture_output=True, text=True, errors="replace", timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.strip()


def prepare(at: Path) -> list[str]:
    """A repository with much to mistake at `at`; the hashes of its objects."""
    at.mkdir()
    _git(at, "init", "-q", "-b", "master")
    for word in ("one", "two", "three"):
        (at / "d").mkdir(exist_ok=True)
        (at / "d" / "sub").write_text(word)
        (at / "file").write_text(word)
        (at / "odd^{commit}").write_text(word)
        _git(at, "add", "--all")
        _git(at, "commit", "-q", "-m", f"{word} ^{{commit}}")
    _git(at, "branch", "both", "master~1")
    _git(at, "tag", "both", "master~2")
    _git(at, "branch", "topic/x", "master~1")
    _git(at, "branch", "2026")
    _git(at, "tag", "-a", "-m", "v1", "v1", "master~1")
    _git(at, "tag", "tree", "HEAD^{tree}")
    _git(at, "update-ref", "ORIG_HEAD", "master~2")
    return _git(at, "rev-list", "--all", "--objects", "--no-object-names")[1].split()


def fuzzed(chance: random.Random, hashes: list[str]) -> str:
    """A random ref."""
    if chance.random() < 0.2:
        return "".join(chance.choices(_ODD, k=chance.randint(0, 12)))
    sha = chance.choice(hashes)
    name = chance.choice(_NAMES).replace("HASH", sha).replace("SHORT", sha[: chance.randint(1, 12)])
    ref = name + "".join(chance.choices(_ENDS, k=chance.randint(1, 2)))
    if chance.random() < 0.15:
        at = chance.randint(0, len(ref))
        ref = ref[:at] + chance.choice(_ODD) + ref[at + chance.randint(0, 1) :]
    return ref * chance.choice((1,) * 40 + (200,))


def checked(source: Source, ref: str) -> tuple[str, str]:
    """What became of a ref, and what is wrong about it (empty: nothing)."""
    try:
        ours = source.resolve(ref).sha
    except SourceError as error:
        line = f"{error.message} {error.hint}"
        if not line.isprintable():
            return "refused", "the message is not one plain line"
        if "ambiguous" in line or "cannot be the name" in line:
            return "refused on purpose", ""
        code, plain = _git(source.directory, "rev-parse", "--verify", "--end-of-options", ref)
        if code or plain.startswith("^") or _git(source.directory, "cat-file", "-t", plain)[1] != "commit":
            return "refused", ""
        return "refused", f"git resolves it to {plain}"
    for expression in (ref, f"{ref}^{{commit}}"):
        code, plain = _git(source.directory, "rev-parse", "--verify", "--end-of-options", expression)
        if code == 0:
            peeled = _git(source.directory, "rev-parse", "--verify", f"{plain}^{{commit}}")[1]
            return "resolved", "" if peeled == ours else f"ours {ours}, git {peeled}"
    return "resolved", "git does not resolve it"


def main() -> int:
    """The table, and 1 if anything disagrees."""
    asked = options(__doc__, 10_000)
    chance, seen, wrong = random.Random(asked.seed), Counter[str](), list[str]()  # noqa: S311 - inputs, not secrets
    with tempfile.TemporaryDirectory(prefix="refs-") as folder:
        hashes = prepare(Path(folder) / "repository")
        source = open_source(f"{folder}/repository", Path(folder) / "cache")
        known = dict[str, tuple[str, str]]()
        for _ in range(asked.count):
            ref = fuzzed(chance, hashes)
            known[ref] = became, why = known[ref] if ref in known else checked(source, ref)
            seen[became] += 1
            if why:
                wrong.append(f"{ref[:80]!r}: {why}")
    seen["different refs"] = len(known)
    return show(asked, seen, wrong)


if __name__ == "__main__":
    sys.exit(main())
