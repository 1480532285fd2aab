"""Whether what a failed installation said is a fault of its machine: network, name servers, a registry, the disk."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["machine_fault"]

# errno(3) as Node writes it, and as strerror(3), getaddrinfo(3) and the tools' own libraries do.
_CODES = (
    r"\b(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|EAI_FAIL|ETIMEDOUT|ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT"
    r"|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOSPC|EDQUOT|EROFS|EIO|ENFILE|ENOMEM)\b"
)
_WORDS = (
    r"no space left on device|no room for the release|disk quota exceeded|read-only file system|input/output error"
    r"|cannot allocate memory"
    r"|connection (?:refused|timed out|reset by peer)|(?:failed to|couldn't|could not) connect\b"
    r"|network is unreachable|no route to host|i/o timeout"
    r"|temporary failure in name resolution|name or service not known|could not resolve|no such host"
    r"|(?:read|connect)timeouterror|newconnectionerror|network timeout"
)
# What a registry answers: npm's `code E503`, pip's and cargo's `503 Server Error` and `HTTP error 503`, Maven's
# `status: 503`.
_ANSWERS = (
    r"\bcode E5\d\d\b|\b5\d\d (?:server error|internal server error|bad gateway|service unavailable|gateway time-?out)"
    r"|\b(?:http error|status(?: code)?:?|error code:?|too many) 5\d\d\b"
)
_FAULT = re.compile(f"{_CODES}|{_WORDS}|{_ANSWERS}", re.IGNORECASE)


def machine_fault(lines: Sequence[str]) -> str:
    """The last of `lines` that names such a fault; empty when none does.

    >>> machine_fault(["npm ERR! code ENOTFOUND", "npm ERR! network request failed"])
    'npm ERR! code ENOTFOUND'
    >>> machine_fault(["npm ERR! code E404", "SyntaxError: Unexpected token"])
    ''
    """
    return next((line for line in reversed(lines) if _FAULT.search(line)), "")
