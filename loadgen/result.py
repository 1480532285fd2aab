"""What became of one request."""

from __future__ import annotations

from typing import NamedTuple

from loadgen.request import PLAIN, Kind

__all__ = ["COLUMNS", "ERRORS", "NEVER_SENT", "OWN", "Answer", "Content", "Result"]

# How a request ends without a whole answer. docs/loadgen.md says whose fault each is.
ERRORS = (
    "connect",  # no connection: refused, unreachable, TLS
    "reset",  # the connection ended before the answer did
    "timeout",  # no whole answer in time
    "oversize",  # the body is larger than the plan reads, or the header larger than a megabyte
    "cut",  # its body was still coming a second after its phase had ended
    "unsent",  # it waited in the loader until it could no longer be answered in time, or its phase was over
    "protocol",  # the loader cannot read what came
    "exhausted",  # the loader had no local port, open file or memory left
)
NEVER_SENT = "unsent"
OWN = (
    "protocol",
    "exhausted",
)  # the loader's own failure: it says nothing about the server, the run is invalid

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
    "waited_us",
    "request",
)


class Content(NamedTuple):
    """What a right answer said, where later steps need it.

    Attributes:
        headers: Names and values as they came.
        body: Its bytes; none where only headers are needed.
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes


class Answer(NamedTuple):
    """What came back: a whole response, or an error with what is known of the response that did not end.

    A response that breaks off in its body is an error, never half a success: its status, who began it and how many
    bytes came are kept.

    Attributes:
        ended: When the last byte came, or the failure (monotonic clock, seconds).
        status: HTTP status; 0 where no header came.
        error: One of ERRORS; empty with a whole response.
        size: Bytes of the body, as far as they came.
        body_ok: Whether the request's `body_regex` was found; None where it was not looked for.
        body_crc: CRC-32 of a whole body, eight hexadecimal digits; empty without one.
        served_by: The value of the plan's `served_by_header`, at most 64 characters.
        why: With an error, what happened, in a few words; else what a step's answer lacked.
        read_late_us: Microseconds for which its last bytes were here, and not read, as the system counts them (to 4 ms
            or so); -1 where that was not asked.
        content: What it said, where its kind has that brought along; None of any other, and of what is wrong.
    """

    ended: float
    status: int = 0
    error: str = ""
    size: int = 0
    body_ok: bool | None = None
    body_crc: str = ""
    served_by: str = ""
    why: str = ""
    read_late_us: int = -1
    content: Content | None = None


class Result(NamedTuple):
    """One row: an answer with its times.

    Attributes:
        t: When the request was due, seconds since the start.
        lateness_us: Microseconds until the loader got to it: its own delay, without waiting for a connection.
        latency_us: Microseconds from the moment it was due to the last byte, waiting included; None where no whole
            response came.
        answer: What came back.
        waited_us: Microseconds for which it then waited in the loader, because all connections were taken.
        kind: Which of the plan's requests it was.
    """

    t: float
    lateness_us: int
    latency_us: int | None
    answer: Answer
    waited_us: int = 0
    kind: Kind = PLAIN
