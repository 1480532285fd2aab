"""Why a request has no whole answer: which kind of error an exception is, and what it says in a few words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError, InvalidHeader, LineTooLong, TransferEncodingError

from loadgen.reading import LONGEST_LINE, HeaderTooLarge

__all__ = ["innermost", "kind_of", "why_of"]

# What the system says when the loader's machine or this process has used up something, and what can be done about it.
_EXHAUSTED: Final = {
    errno.EADDRNOTAVAIL: "no local port or address was left: lower --rate, or widen net.ipv4.ip_local_port_range",
    errno.EMFILE: "no open file was left to this process: raise ulimit -n, or lower --connections or --rate",
    errno.ENFILE: "no open file was left on this machine: raise fs.file-max, or lower --connections or --rate",
    errno.ENOBUFS: "the system had no buffer left: lower --rate",
    errno.ENOMEM: "the system had no memory left: lower --rate",
}


def kind_of(problem: BaseException) -> str:
    """Which of ERRORS an exception of a request is.

    >>> kind_of(TimeoutError()), kind_of(OSError(errno.EMFILE, "Too many open files"))
    ('timeout', 'exhausted')
    """
    if _exhausted(problem):
        return "exhausted"
    if (
        isinstance(problem, TimeoutError) and problem.errno is None
    ):  # with a number it is the system's: no answer to TCP
        return "timeout"
    if isinstance(innermost(problem), HeaderTooLarge | LineTooLong):
        return "oversize"
    if isinstance(problem, aiohttp.ClientConnectorError | aiohttp.ClientSSLError):
        return "connect"
    if isinstance(problem, aiohttp.ServerDisconnectedError | OSError):
        return "reset"
    # ClientPayloadError: the connection ended before the body did, or the body is not as HTTP has it
    return "reset" if isinstance(problem, aiohttp.ClientPayloadError) and _cut_short(problem) else "protocol"


def why_of(problem: BaseException) -> str:
    """What happened, in a few words; nothing of the answer itself, which may hold a cookie.

    >>> why_of(InvalidHeader(b"Set-Cookie: secret")), why_of(ConnectionResetError())
    ('a header that is not valid', 'ConnectionResetError')
    """
    if remedy := _exhausted(problem):
        return remedy
    cause = innermost(problem)
    if isinstance(cause, LineTooLong):
        return f"a line of more than {LONGEST_LINE:,} bytes"
    if isinstance(cause, InvalidHeader):
        return "a header that is not valid"
    if isinstance(cause, TransferEncodingError):
        return "a chunk that is not valid"
    text = str(getattr(cause, "message", "") or getattr(cause, "strerror", "") or cause)
    said = re.split(r"[\r\n]|\bb['\"]", text, maxsplit=1)[0].strip(" :")
    return said[:100] or type(cause).__name__


def _exhausted(problem: BaseException) -> str:
    """What to do where the loader's own machine had something no more; else empty."""
    numbers = (each.errno for each in _chain(problem) if isinstance(each, OSError))
    return next((_EXHAUSTED[number] for number in numbers if number in _EXHAUSTED), "")


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """The exception, and those that it wraps."""
    at: BaseException | None = problem
    while at is not None:
        yield at
        at = at.__cause__


def innermost(problem: BaseException) -> BaseException:
    """The parser's own exception, which aiohttp wraps in its own."""
    *_, last = _chain(problem)
    return last


def _cut_short(problem: BaseException) -> bool:
    cause = innermost(problem)
    return not isinstance(cause, HttpProcessingError) or cause.message.startswith("Not enough data")
