"""How far a load is: counts of its requests."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Progress"]


class Progress(NamedTuple):
    """Counts of requests so far. scheduled = completed + errors + abandoned + in_flight + waiting.

    Attributes:
        scheduled: Those that fell due.
        sent: Those that were given to a connection.
        queued: Those that had to wait for a connection.
        in_flight: Those on the wire now.
        waiting: Those that wait for a connection now.
        abandoned: Those given up because the run was stopped.
    """

    scheduled: int
    sent: int
    queued: int
    in_flight: int
    waiting: int
    abandoned: int
