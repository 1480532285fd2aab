"""What became of one request."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COLUMNS", "ERRORS", "Answer", "Result"]

ERRORS = ("connect", "reset", "timeout", "protocol")

COLUMNS = (
    "t",
    "lateness_us",
    "latency_us",
    "status",
    "error",
    "bytes",
    "body_ok",
    "body_crc",
    "served_by",
)


class Answer(NamedTuple):
    """What the wire gave: a whole response, or `error` (one of ERRORS) and nothing else.

    A response that breaks off in its body is an error with status 0, never half a success.
    `ended` is the monotonic clock in seconds, at the last byte or at the failure.
    """

    ended: float
    status: int = 0
    error: str = ""
    size: int = 0
    body_ok: bool | None = None
    body_crc: str = ""
    served_by: str = ""


class Result(NamedTuple):
    """One row: an answer with its times.

    `t` is the intended send time, seconds since the start. `lateness_us` is how much later the loader got to
    it: its own fault, so waiting for a free connection is not in it. `latency_us` runs from the intended time
    to the last byte, so that waiting is in it; None where no whole response came.
    """

    t: float
    lateness_us: int
    latency_us: int | None
    answer: Answer
