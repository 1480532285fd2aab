"""Random repositories: what is packed for a host, against `git ls-tree`, `git cat-file` and `git archive`.

    python -m bench.inputs.trees --count 300 --seed 1

Each repository has attributes, modes, symbolic links, odd names and submodules, and is read as a plain, bare, shallow,
linked or borrowing clone. `pipeline`'s archive and that of `pyinfra deploys/...` must both hold the commit's tree.
"""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from bench.inputs.run import options, show
from deploys.kit.source import archive_of
from pipeline.source.opening import open_source

__all__ = ["KINDS", "disagreements", "make"]

KINDS: Final = (
    "plain",
    "bare",
    "shallow",
    "worktree",
    "alternates",
    "packed",
    "gitfile",
    "partial",
    "sha256",
)
_NAMES: Final = (
    "a",
    "b.txt",
    "c d.txt",
    "é.bin",
    "tab\there",
    'quo"te',
    "-dash",
    "new\nline",
    "x" * 120,
    "Ω" * 40,
)
_ATTRIBUTES: Final = (
    "export-ignore",
    "export-subst",
    "ident",
    "text",
    "text=auto",
    "eol=crlf",
    "crlf",
    "crlf=input",
    "filter=lfs",
    "filter=f",
    "working-tree-encoding=UTF-16LE",
    "working-tree-encoding=nonsense",
    "-text",
    "binary",
    "own",
)
_PATTERNS: Final = ("*", "*.txt", "/a", "d/", "d/**", "d", "sub", "link*")
_BYTES: Final = (
    b"one\n",
    b"one\r\ntwo\r\n",
    b"$Id$ $Format:%H$\n",
    b"",
    b"\x00\xff\xfe",
    "é\n".encode("utf-16-le"),
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
)


def _git(at: Path, *arguments: str, given: bytes = b"") -> bytes:
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    person = {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        **person,
    }
    return subprocess.run(
        ["git", *arguments], cwd=at, env=env, input=given, capture_output=True, check=True, timeout=60
    ).stdout


def _quoted(path: str) -> bytes:
    text = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{text}"'.encode()


def _tree(chance: random.Random, oid: str) -> dict[str, tuple[str, bytes]]:
    """Paths with mode and content, as fast-import takes them."""
    files = dict[str, tuple[str, bytes]]()
    for folder in ("", "d/", "d/e/"):
        for name in chance.sample(_NAMES, chance.randint(1, 4)):
            files[folder + name] = (chance.choice(("100644", "100755")), chance.choice(_BYTES))
    if chance.random() < 0.5:
        files["link"] = ("120000", chance.choice((b"a", b"../out", b"d/e", b"gone")))
    if chance.random() < 0.3:
        files["sub"] = ("160000", oid.encode())
    for folder in ("", "d/"):
        if chance.random() < 0.7:
            rules = [
                f"{chance.choice(_PATTERNS)} {' '.join(chance.sample(_ATTRIBUTES, chance.randint(1, 3)))}\n"
                for _ in range(chance.randint(1, 4))
            ]
            macro = (
                ["[attr]own export-ignore ident eol=crlf\n"] if not folder and chance.random() < 0.5 else []
            )
            files[f"{folder}.gitattributes"] = ("100644", "".join([*macro, *rules]).encode())
    return files


def _commits(trees: list[dict[str, tuple[str, bytes]]]) -> bytes:
    stream = b""
    for number, tree in enumerate(trees):
        message = f"commit {number}\n".encode()
        stream += b"commit refs/heads/master\ncommitter t <t> %d +0000\n" % (number + 1)
        stream += b"data %d\n%s" % (len(message), message) + b"deleteall\n"
        for path, (mode, content) in tree.items():
            if mode == "160000":
                stream += b"M 160000 " + content + b" " + _quoted(path) + b"\n"
            else:
                stream += b"M %s inline %s\ndata %d\n%s\n" % (
                    mode.encode(),
                    _quoted(path),
                    len(content),
                    content,
                )
    return stream


def make(at: Path, chance: random.Random, kind: str) -> Path:
    """A random repository below `at`, read as `kind`; where it is."""
    origin = at / "origin"
    form = "sha256" if kind == "sha256" else "sha1"
    _git(at, "init", "-q", "-b", "master", f"--object-format={form}", str(origin))
    oid = "1" * (64 if form == "sha256" else 40)
    _git(origin, "fast-import", "--quiet", given=_commits([_tree(chance, oid) for _ in range(3)]))
    _git(origin, "config", "uploadpack.allowFilter", "true")
    other = at / "other"
    where = str(other)
    clone = {
        "bare": ["clone", "-q", "--bare", "origin", where],
        "shallow": ["clone", "-q", "-n", "--depth", "1", f"file://{origin}", where],
        "alternates": ["clone", "-q", "-n", "--shared", "origin", where],
        "gitfile": ["clone", "-q", "-n", f"--separate-git-dir={at / 'elsewhere'}", "origin", where],
        "partial": ["clone", "-q", "-n", "--filter=blob:none", f"file://{origin}", where],
    }.get(kind)
    if clone:
        _git(at, *clone)
        return other
    if kind == "worktree":
        _git(origin, "worktree", "add", "-q", "--no-checkout", "-f", where, "master")
        return other
    if kind == "packed":
        _git(origin, "pack-refs", "--all")
    return origin


def _expected(origin: Path) -> dict[str, tuple[str, bytes]]:
    found = dict[str, tuple[str, bytes]]()
    for entry in filter(None, _git(origin, "ls-tree", "-r", "-z", "master").split(b"\0")):
        about, _, path = entry.partition(b"\t")
        mode, kind, oid = about.decode().split()
        found[path.decode()] = (mode, b"" if kind == "commit" else _git(origin, "cat-file", "blob", oid))
    return found


def _packed(archive: Path) -> dict[str, tuple[str, bytes]]:
    found, directories = dict[str, tuple[str, bytes]](), set[str]()
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isdir():
                directories.add(member.name)
            elif member.issym():
                found[member.name] = ("120000", member.linkname.encode())
            else:
                file = tar.extractfile(member)
                content = file.read() if file else b""
                found[member.name] = ("100755" if member.mode & 0o100 else "100644", content)
    parents = {str(parent) for path in found for parent in Path(path).parents}
    return found | {name: ("160000", b"") for name in directories if name not in parents}


def disagreements(at: Path, chance: random.Random, kind: str) -> list[str]:
    """What is packed of one random repository and is not the commit's tree; `at` is an empty directory."""
    repository = make(at, chance, kind)
    expected, wrong = _expected(at / "origin"), list[str]()
    source = open_source(str(repository), at / "cache")
    commit = source.resolve("HEAD")
    if kind == "partial":
        # What a partial clone lacks cannot be packed from it; made whole as the refusal says, it is packed.
        try:
            source.archive(commit, at / "before.tar.gz")
            if any(mode in ("100644", "100755") for mode, _ in expected.values()):
                wrong.append("partial: packed without its content")
        except Exception as error:
            if "partial clone" not in str(error):
                wrong.append(f"partial: {error}")
        _git(repository, "fetch", "-q", "--refetch", "--no-filter")
    archive = source.archive(commit, at / "ours.tar.gz")
    if _packed(archive) != expected:
        wrong.append(f"{kind}: pipeline")
    deployed, sha = archive_of(str(repository), "HEAD")
    if sha != commit.sha or _packed(deployed) != expected:
        wrong.append(f"{kind}: deploys")
    if not any(path.endswith(".gitattributes") for path in expected):
        with gzip.open(archive) as file:
            if file.read() != _git(at / "origin", "archive", "--format=tar", "master"):
                wrong.append(f"{kind}: git archive")
    return wrong


def main() -> int:
    """The table, and 1 if anything disagrees."""
    asked, seen, wrong = options(__doc__, 300), Counter[str](), list[str]()
    for number in range(asked.count):
        kind = KINDS[number % len(KINDS)]
        with tempfile.TemporaryDirectory(prefix="trees-") as folder:
            os.environ["XDG_CACHE_HOME"] = f"{folder}/deploys"
            found = disagreements(Path(folder), random.Random(f"{asked.seed}-{number}"), kind)  # noqa: S311 - inputs, not secrets
        seen[kind] += 1
        wrong += [f"{number}: {line}" for line in found]
    return show(asked, seen, wrong)


if __name__ == "__main__":
    sys.exit(main())
