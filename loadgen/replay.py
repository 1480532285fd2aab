"""Recorded requests, sent again: to another host, without secrets, each expected to be answered as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadgen.recorded import Recording
from loadgen.request import Kind, Request
from loadgen.steps import Steps
from loadgen.template import Template

__all__ = ["Replay"]

# Recorded for somebody who had the answer already, or a part of it, which is asked for in headers that are not kept.
_AS_WHOLE = {304: 200, 206: 200}
_GONE = 499  # nginx: the client was gone before the answer
_GOOD = tuple(range(200, 400))


class Replay:
    """What is sent of a recording, in place of a plan's one request.

    Attributes:
        templates, sequences: None of a mix: requests have no names here.
        times: When each is due, seconds since the start.
    """

    templates: Sequence[Template] = ()
    sequences: Sequence[Steps] = ()

    def __init__(
        self,
        recording: Recording,
        origin: str,
        headers: tuple[tuple[str, str], ...],
        expect_status: tuple[int, ...] | None,
    ) -> None:
        """Args:
        recording: What was asked.
        origin: Where it goes: scheme, host and port.
        headers: Added to each request; they count more than recorded ones.
        expect_status: The right statuses; None: the one that was recorded, for each.
        """
        first = recording.asked[0].t
        self.times = tuple(asked.t - first for asked in recording.asked)
        self._asked = recording.asked
        self._origin = origin
        self._headers = headers
        self._given = {name.lower() for name, _ in headers}
        self._expected = expect_status
        self._kinds: dict[tuple[str, int], Kind] = {}

    def requests(self) -> Iterator[Request]:
        """One after the other, as often as there are times."""
        for asked in self._asked:
            kept = tuple(header for header in asked.headers if header[0].lower() not in self._given)
            kind = self._kind(asked.method, asked.status)
            yield Request(kind, self._origin + asked.target, (*self._headers, *kept), asked.body)

    def _kind(self, method: str, status: int) -> Kind:
        found = self._kinds.get((method, status))
        if found is None:
            found = self._kinds[method, status] = Kind("", method, self._expected or _right(status))
        return found


def _right(status: int) -> tuple[int, ...]:
    """The right statuses where `status` was recorded: a failure of then need not be repeated.

    >>> _right(404), _right(304), len(_right(502))
    ((404,), (200,), 200)
    """
    if not status or status == _GONE or status >= 500:
        return _GOOD
    return (_AS_WHOLE.get(status, status),)
