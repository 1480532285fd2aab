"""What the canary logs and the baseline does not: its lines with numbers and identifiers folded, and counted.

Often this is the whole explanation of a failure: an exception with its place in the code, fifty times a second.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.base.files import write_whole
from pipeline.base.text import clean

__all__ = ["LogLine", "log_path", "new_lines", "save_log"]

_PLAIN_BYTES: Final = 1_000_000  # a longer log is compressed

_LONGEST: Final = 240  # characters of a line that is shown
# journalctl's short-iso: moment, host, program[pid]: text.
_JOURNAL: Final = re.compile(r"(\S+T(\d\d:\d\d:\d\d)\S*) (\S+) ([^\s:\[]+)(?:\[\d+\])?: (.*)")
# What differs from one line to the next of a kind: numbers, hashes, addresses, identifiers of letters and digits.
_FOLDED: Final = re.compile(
    r"0x[0-9a-f]+|(?<![A-Za-z0-9])(?=[a-f]*\d)[0-9a-f]{6,}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}(?![A-Za-z0-9])|\d+(?:\.\d+)*",
    re.IGNORECASE,
)
_WRONG: Final = re.compile(
    r"error|exception|fatal|panic|fail|traceback|refused|denied|timed? ?out|unhandled|abort|killed|segfault|warn"
    r"|out of memory|cannot|could not|not found|undefined|exited",
    re.IGNORECASE,
)
# What systemd says of a service that ended by itself; of the rest, each restart has several lines.
_ENDED: Final = re.compile(r"process exited|process killed|oom", re.IGNORECASE)
_MARK: Final = re.compile(r"\s*[~^]+\s*")  # under a line of code that is quoted
# Frames of a stack: after their line in JavaScript, Java and Go, before it in Python; Node names the place before it.
_FRAME: Final = re.compile(
    r"\s*(?:at (?:.*\()?(?P<after>[^()\s]+?:\d+)(?::\d+)?\)?|(?P<after_go>/\S+\.go:\d+).*"
    r"|File \"(?P<py>[^\"]+)\", line (?P<line>\d+).*|(?P<bare>(?:node:|file://)?/?[\w./@-]+:\d+))"
)
_BEGINS: Final = re.compile(r"Traceback \(most recent call last\)|goroutine \d+ ")
# Frames of the language and of libraries, which say less than those of the service's own code.
_OTHERS_CODE: Final = re.compile(
    r"node_modules|^node:|internal/|site-packages|dist-packages|/usr/lib|<frozen|^java\.|^jdk\.|^sun\.|/pkg/mod/|/usr/local/go"
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A kind of line that only the canary logs.

    Attributes:
        text: the first line of that kind, without moment, host and program.
        where: the place in the service's own code that its stack names, such as `preview.js:71`; or empty.
        count: how often it is there.
        first: when it was first logged, as the host's clock had it (HH:MM:SS); empty where no moment is known.
        wrong: whether it reads like something that went wrong.
    """

    text: str
    where: str
    count: int
    first: str
    wrong: bool


def save_log(run: Path, name: str, text: str) -> None:
    """Writes a host's log into a run's directory, compressed where it is long."""
    data = text.encode(errors="replace")
    path = run / "logs" / f"{name}.log"
    if len(data) > _PLAIN_BYTES:
        write_whole(path.with_name(f"{path.name}.gz"), gzip.compress(data, mtime=0))
    else:
        write_whole(path, data)


def log_path(run: Path, arm: str) -> Path | None:
    """The log of a version's service in a run's directory; None where there is none."""
    colour = {"baseline": "blue", "canary": "green"}[arm]
    return next(
        (
            path
            for path in (run / "logs" / f"{colour}.log.gz", run / "logs" / f"{colour}.log")
            if path.is_file()
        ),
        None,
    )


def new_lines(run: Path, most: int = 5) -> tuple[LogLine, ...]:
    """The kinds of line that the canary logged and the baseline never, those that read like errors first.

    Args:
        run: The run's directory.
        most: How many kinds, the most frequent of them.

    Returns:
        None of them where one of the logs is missing, or cannot be read.
    """
    paths = log_path(run, "baseline"), log_path(run, "canary")
    if paths[0] is None or paths[1] is None:
        return ()
    try:
        known = {fold(text) for _, text in _messages(_lines(paths[0]))}
        found: dict[str, list[LogLine]] = {}
        for line in _described(_lines(paths[1])):
            kind = fold(line.text)
            if kind not in known:
                found.setdefault(kind, []).append(line)
    except (OSError, EOFError, ValueError):
        return ()
    kinds = [_together(lines) for lines in found.values()]
    return tuple(sorted(kinds, key=lambda line: (not line.wrong, -line.count))[:most])


def fold(text: str) -> str:
    """A line without what differs from one of its kind to the next.

    >>> fold("request 4f2a91c03b took 12.5 ms"), fold("GET /users/42")
    ('request # took # ms', 'GET /users/#')
    """
    return _FOLDED.sub("#", text)


def _lines(path: Path) -> Iterator[str]:
    with (
        gzip.open(path, "rt", errors="replace")
        if path.suffix == ".gz"
        else path.open(errors="replace") as file
    ):
        yield from file


def _messages(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The moment and the text of each line."""
    for line in lines:
        match = _JOURNAL.fullmatch(line.rstrip("\n"))
        moment, text = (match[2], match[5]) if match else ("", line.rstrip("\n"))
        of_systemd = match is not None and match[4] == "systemd"
        if text.strip() and not (of_systemd and not _ENDED.search(text)):
            yield moment, text


def _described(lines: Iterable[str]) -> Iterator[LogLine]:
    """The lines without their stacks, each with the place that its stack names."""
    waiting: tuple[str, str] | None = None  # a line that a stack may follow, as in JavaScript and Java
    where = before = above = ""
    for moment, text in _messages(lines):
        quoted, above = above, text
        if _MARK.fullmatch(text):
            if waiting is not None and waiting[1] == quoted:
                waiting = None  # not logged by the service: its line of code, as Node quotes it
        elif (match := _FRAME.fullmatch(text)) is not None:
            if after := match["after"] or match["after_go"]:
                where = where or _own(after)
            else:  # Python's stack, and Node's place, come before their line
                before = _own(match["bare"] or f"{match['py']}:{match['line']}") or before
        elif not text[:1].isspace() and not _BEGINS.match(text):
            if waiting is not None:
                yield _line(*waiting, where)
            waiting, where, before = (moment, text), before, ""
    if waiting is not None:
        yield _line(*waiting, where)


def _own(place: str) -> str:
    """A place in the service's own code, without its folders; empty for one in other people's."""
    return "" if _OTHERS_CODE.search(place) else place.rpartition("/")[2]


def _line(moment: str, text: str, where: str) -> LogLine:
    return LogLine(clean(text, _LONGEST), clean(where, 80), 1, moment, _WRONG.search(text) is not None)


def _together(lines: list[LogLine]) -> LogLine:
    first, places = lines[0], Counter(line.where for line in lines if line.where)
    where = places.most_common(1)[0][0] if places else ""
    return LogLine(first.text, where, len(lines), first.first, first.wrong)
