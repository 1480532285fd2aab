"""Bodies, judged: their CRC-32, and whether what is looked for is in them. One that comes again is judged once."""

from __future__ import annotations

import zlib
from collections import deque

from loadgen.request import Kind

__all__ = ["Judge"]

_RECENT = 4  # bodies that are kept for comparison: a service has few answers, in whatever order they come


class _Known:
    """A body, and what has been found out about it."""

    __slots__ = ("body", "crc", "found")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.crc = f"{zlib.crc32(body):08x}"
        self.found: bool | None = None


class Judge:
    """Says of whole bodies, to one kind of request, what an answer tells.

    Comparing bytes costs a tenth of their CRC and a search in them.
    """

    def __init__(self, kind: Kind) -> None:
        self._regex = kind.body_regex
        self._brings_body = kind.brings_body
        self._expected = frozenset(kind.expect_status)
        self._recent: deque[_Known] = deque(maxlen=_RECENT)

    def searches(self, status: int) -> bool:
        """Whether the bodies of this status are searched."""
        return self._regex is not None and status in self._expected

    def keeps(self, status: int) -> bool:
        """Whether the bodies of this status are needed whole."""
        return self.searches(status) or (self._brings_body and status in self._expected)

    def crc_and_found(self, status: int, body: bytes) -> tuple[str, bool | None]:
        """`body_crc` and `body_ok` of an answer.

        >>> Judge(Kind()).crc_and_found(200, b"hi")
        ('d8932aac', None)
        """
        if not body:
            return "", self.found(status, body)
        known = None
        for each in self._recent:
            if each.body == body:
                known = each
                break
        else:
            known = _Known(body)
            self._recent.appendleft(known)
        if not self.searches(status):
            return known.crc, None
        if known.found is None:
            known.found = self.found(status, body)
        return known.crc, known.found

    def found(self, status: int, body: bytes) -> bool | None:
        """`body_ok` of an answer, which is not compared with others."""
        if self._regex is None or status not in self._expected:
            return None
        return self._regex.search(body) is not None
