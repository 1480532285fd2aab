"""A host as Ansible's inventories write it: `web[01:10].example.com:2222`, `[2001:db8::7]:2222`, `db[a:c]`.

See "Adding ranges of hosts" in Ansible's "How to build your inventory".
"""

from __future__ import annotations

import ipaddress
import re
import string

__all__ = ["RangeError", "expand_hosts"]

_RANGE = re.compile(r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]", re.IGNORECASE)
_HEX_RANGE = re.compile(r"\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]", re.IGNORECASE)
# Parts of letters, digits, - and _ with dots between them; only before a port they cannot end with - or _.
_NAME = re.compile(r"\w[\w-]*(?:\.[\w-]+)*\.?")
_BEFORE_PORT = re.compile(r"\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)*")
_MOST = 10_000


class RangeError(ValueError):
    """No range, for Ansible neither: it refuses the whole file."""


def expand_hosts(pattern: str) -> tuple[list[str], int | None]:
    """The names that a pattern stands for, and the port it gives them, or None.

    Raises RangeError, or ValueError for what Ansible takes but no host can be called; both say what is wrong.

    >>> expand_hosts("web[08:10]:2222")
    (['web08', 'web09', 'web10'], 2222)
    >>> expand_hosts("[2001:db8::7]:22")
    (['2001:db8::7'], 22)
    """
    rest, port = _split_port(pattern)
    names = _expand(rest)
    if "" in names:
        raise RangeError("'' is no host's name or address")
    for name in names:
        if not _NAME.fullmatch(name) and not _is_ipv6(name):
            raise ValueError(f"'{name}' is no host's name or address")
    return names, port


def _split_port(pattern: str) -> tuple[str, int | None]:
    """A port is split off only behind what is a name or an address by itself, as Ansible does it."""
    head, colon, tail = pattern.rpartition(":")
    if not colon or not (tail.isascii() and tail.isdigit()) or len(tail) > 5:
        return pattern, None
    if head.startswith("[") and head.endswith("]"):
        inside = head[1:-1]
        if _is_ipv6(_HEX_RANGE.sub("0", inside)) or _BEFORE_PORT.fullmatch(_RANGE.sub("0", inside)):
            return inside, int(tail)
    return (head, int(tail)) if _BEFORE_PORT.fullmatch(_RANGE.sub("0", head)) else (pattern, None)


def _expand(pattern: str) -> list[str]:
    """All names; ranges are opened from the left, the last one changes fastest."""
    names = [""]
    while "[" in pattern:
        before, _, pattern = pattern.partition("[")
        inside, bracket, pattern = pattern.partition("]")
        if not bracket:
            raise RangeError(f"'[{inside}' has no closing ]")
        steps = _steps(inside)
        if len(names) * len(steps) > _MOST:
            raise ValueError(f"more than {_MOST:,} hosts in one line")
        names = [f"{name}{before}{step}" for name in names for step in steps]
    return [name + pattern for name in names]


def _steps(inside: str) -> list[str]:
    """What `01:10` or `a:f:2` stands for."""
    parts = inside.split(":")
    if len(parts) not in (2, 3):
        raise RangeError(f"[{inside}] is no range: [begin:end] or [begin:end:step]")
    begin, end, step = parts[0] or "0", parts[1], parts[2] if len(parts) == 3 else "1"
    if not (step.isascii() and step.isdigit() and 0 < len(step) < 10 and int(step)):
        raise RangeError(f"[{inside}]: the step must be a whole number above 0")
    letters = string.ascii_letters
    if len(begin) == len(end) == 1 and begin in letters and end in letters:
        found = [*letters[letters.index(begin) : letters.index(end) + 1 : int(step)]]
    elif not all(text.isascii() and text.isdigit() and len(text) < 10 for text in (begin, end)):
        raise RangeError(f"[{inside}] is no range: two numbers, or two single letters")
    else:
        width = len(begin) if begin.startswith("0") and len(begin) > 1 else 0
        if width and width != len(end):
            raise RangeError(f"[{inside}]: with leading zeros both ends need as many digits")
        count = range(int(begin), int(end) + 1, int(step))
        if len(count) > _MOST:
            raise ValueError(f"more than {_MOST:,} hosts in one line")
        found = [str(number).zfill(width) for number in count]
    if not found:
        raise ValueError(f"[{inside}]: the begin must not be behind the end")
    return found


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
