"""What became of one request."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COLUMNS", "ERRORS", "Answer", "Result"]

# `protocol`: the loader cannot read what came. That says nothing about the server, and makes the run invalid.
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
    """What came back: a whole response, or an error and nothing else.

    A response that breaks off in its body is an error with status 0, never half a success; who began it is kept.

    Attributes:
        ended: When the last byte came, or the failure (monotonic clock, seconds).
        status: HTTP status; 0 with an error.
        error: One of ERRORS; empty with a whole response.
        size: Bytes of the body, as they came.
        body_ok: Whether the plan's `body_regex` was found; None where it was not looked for.
        body_crc: CRC-32 of the body, eight hexadecimal digits; empty without a body.
        served_by: The value of the plan's `served_by_header`, at most 64 characters.
        why: With `protocol`, what could not be read, in a few words.
    """

    ended: float
    status: int = 0
    error: str = ""
    size: int = 0
    body_ok: bool | None = None
    body_crc: str = ""
    served_by: str = ""
    why: str = ""


class Result(NamedTuple):
    """One row: an answer with its times.

    Attributes:
        t: When the request was due, seconds since the start.
        lateness_us: Microseconds until the loader got to it: its own delay, without waiting for a connection.
        latency_us: Microseconds from the moment it was due to the last byte, waiting included; None where no whole
            response came.
        answer: What came back.
    """

    t: float
    lateness_us: int
    latency_us: int | None
    answer: Answer
