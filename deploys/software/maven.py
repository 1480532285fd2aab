"""Runs Maven, and tells what it does meanwhile and, where it fails, the first line that says why.

A host runs this text by itself (`python3 -c`), so it imports nothing but Python's own library:

    python3 -c TEXT LOG SECONDS mvn -B package

It prints `progress: ...` lines, and as its last line on standard error what went wrong.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

__all__ = ["MavenError", "Watch", "complaint", "package", "program"]

_TOLD_EVERY = 10.0  # seconds between two lines of progress while the goal is the same
_LONGEST = 300  # characters of a complaint

# Not `Building war: /path`, which a goal says.
_MODULE = re.compile(r"\[INFO\] Building (?!\w+: )(\S.*?) \S+(?: +\[(\d+)/(\d+)\])?$")
# `maven-compiler-plugin:3.1:compile (default-compile) @ iTrust2`; since Maven 3.9 `compiler:3.1:compile ...`
_GOAL = re.compile(
    r"\[INFO\] --- (?:maven-)?(\S+?)(?:-maven)?(?:-plugin)?:[^:\s]+:(\S+) (?:\(\S+\) )?@ .* ---$"
)
_FETCHED = re.compile(r"(?:\[INFO\] )?Downloaded from ")
_ERROR = re.compile(r"(?:\[(?:ERROR|FATAL)\] *)+(\S.*)")
# Headings, counts, a thread's name, where to read on: none of these is the reason.
_NO_REASON = re.compile(
    r"""COMPILATION\ ERROR\ *:? | \d+\ errors? | (Failures|Errors):? | Tests\ run:.*
    | Some\ problems\ were\ encountered.* | The\ build\ could\ not\ read.* | The\ project\ .*\ has\ \d+\ errors?
    | Thread\[.* | Exception\ in\ thread\ \S+ | \S+
    | (To\ see\ the\ full\ stack\ trace | Re-run\ Maven | For\ more\ information | After\ correcting | Please\ refer).*
    | (->\ )?\[Help\ \d+\].*""",
    re.VERBOSE,
)
# The summary that names the goal first: less than the line of the compiler, more than nothing.
_SUMMARY = re.compile(r"Failed to execute goal ")
_PLACE = re.compile(r"(?:/\S*/)?([^/\s]+\.\w+):\[(\d+)(?:,\d+)?\] *(?:error: *)?(.*)")


class MavenError(Exception):
    """One line: why Maven made nothing."""


class Watch:
    """What Maven is at, from the lines of its output.

    >>> watch = Watch()
    >>> watch.read("[INFO] Building iTrust2 0.0.1 [1/2]")
    True
    >>> watch.read("[INFO] Downloaded from central: https://r/x.pom (3.9 kB at 24 kB/s)")
    False
    >>> watch.read("[INFO] --- maven-compiler-plugin:3.1:compile (default-compile) @ iTrust2 ---")
    True
    >>> watch.said(94.3)
    'Maven: iTrust2 (1 of 2), compiler:compile, 1 file fetched, 94 s'
    >>> watch.read("[INFO] Building war: /b/target/iTrust2.war")
    False
    """

    def __init__(self) -> None:
        self._module = self._goal = ""
        self._fetched = 0

    def read(self, line: str) -> bool:
        """Take a line; whether Maven began something with it."""
        line = line.rstrip()
        if _FETCHED.match(line):
            self._fetched += 1
            return False
        if found := _MODULE.match(line):
            self._module = found[1] + (f" ({found[2]} of {found[3]})" if found[2] else "")
            self._goal = ""
            return True
        if found := _GOAL.match(line):
            self._goal = f"{found[1]}:{found[2]}"
            return True
        return False

    def said(self, seconds: float) -> str:
        """Its module, its goal, how much it has fetched, and for how long it has been at it."""
        fetched = f"{self._fetched} file{'s' if self._fetched != 1 else ''} fetched" if self._fetched else ""
        parts = [self._module or "reading the project", self._goal, fetched, f"{seconds:.0f} s"]
        return f"Maven: {', '.join(part for part in parts if part)}"


def complaint(lines: Iterable[str]) -> str:
    """The first line of Maven's output that says what is wrong; its last words where none does.

    >>> complaint(["[ERROR] COMPILATION ERROR : ", "[ERROR] /b/src/A.java:[9,2] package javax.x does not exist"])
    'A.java:9: package javax.x does not exist'
    """
    summary = last = ""
    for line in lines:
        last = line.strip() or last
        found = _ERROR.match(line.strip())
        said = found[1].strip() if found else ""
        if not said or _NO_REASON.fullmatch(said):
            continue
        if _SUMMARY.match(said):
            summary = summary or said
            continue
        place = _PLACE.fullmatch(said)
        return (f"{place[1]}:{place[2]}: {place[3]}" if place else said)[:_LONGEST]
    return (summary.partition(" -> [Help")[0] or last or "it ended without a word")[:_LONGEST]


def program(name: str) -> str:
    """The path of Maven (`mvn`) or of a JDK's program, where Maven would find it; empty where it is not there.

    With JAVA_HOME, Maven takes no other JDK.
    """
    home = os.environ.get("JAVA_HOME", "") if name.startswith("java") else ""
    return shutil.which(name, path=str(Path(home) / "bin") if home else None) or ""


def package(
    command: Sequence[str],
    *,
    log: Path,
    tell: Callable[[str], None],
    seconds: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `command`, which is Maven, to its end; whatever ends the wait ends it, too.

    Args:
        command: Program and arguments.
        log: Gets its output.
        tell: Gets what it is at, whenever it begins something and every few seconds.
        seconds: How long it may take.
        cwd: The project.
        env: Its environment; this process's own unless given.

    Raises:
        MavenError: It failed, or took too long.
    """
    began = told = time.monotonic()
    watch, rest = Watch(), ""
    with log.open("wb") as output, log.open("r", encoding="utf-8", errors="replace") as said:
        child = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while child.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=0.5)
                now = time.monotonic()
                *lines, rest = (rest + said.read()).split("\n")
                began_something = [line for line in lines if watch.read(line)]
                if began_something or now - told >= _TOLD_EVERY:
                    told = now
                    tell(watch.said(now - began))
                if now - began > seconds:
                    raise MavenError(
                        f"mvn package: not done after {seconds:.0f} s ({watch.said(now - began)})"
                    )
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            child.wait()
    if child.returncode != 0:
        with log.open(encoding="utf-8", errors="replace") as told_lines:
            raise MavenError(f"mvn package: {complaint(told_lines)}")


if __name__ == "__main__":
    try:
        package(
            sys.argv[3:],
            log=Path(sys.argv[1]),
            tell=lambda said: print(f"progress: {said}", flush=True),
            seconds=float(sys.argv[2]),
        )
    except (MavenError, OSError) as error:
        sys.exit(str(error))
