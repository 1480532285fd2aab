"""What a server has said instead of an answer, or why there was none: one line each, with what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import requests

from pipeline.base.errors import UsageError
from pipeline.base.text import clean
from pipeline.series.answers import sign_in

__all__ = ["CONNECT", "READ", "REFUSED", "SIGN_IN_HINT", "cause", "hint_of", "redirected"]

CONNECT: Final = 10.0  # seconds
READ: Final = 130.0  # seconds; Prometheus itself gives up a query after 120
# By status: what it means, and what to do.
REFUSED: Final[Mapping[int, tuple[str, str]]] = {
    401: (
        "wants other credentials",
        "--credentials FILE, with one line: Bearer TOKEN or Basic USER:PASSWORD",
    ),
    403: (
        "does not allow this query",
        "--credentials FILE of a user who may query; a tenant: --header-file FILE",
    ),
    407: (
        "cannot be reached: a proxy wants a password",
        "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the environment",
    ),
    404: ("has no query API here", "give the address of Prometheus itself, with its path if it has one"),
}
SIGN_IN_HINT: Final = (
    "what stands before the Prometheus takes a program's credentials: --credentials FILE (Bearer TOKEN), or a header "
    "of its own: --header-file FILE; or ask the Prometheus behind it"
)


def redirected(url: str, location: str) -> UsageError:
    """What a redirect means. What follows ? is left out: it may hold a key of the one who is to sign in."""
    to = clean(location.split("?")[0].split("#")[0], 200) or "nowhere"
    if sign_in(to):
        return UsageError(f"{url} redirects to a page to sign in: {to}", hint=SIGN_IN_HINT)
    return UsageError(f"{url} redirects to {to}", hint="give that address, up to /api/v1")


def cause(error: Exception) -> str:
    """What is behind an error of requests, in a few words: its own text is a chain of Python objects."""
    if isinstance(error, requests.exceptions.SSLError):
        text = str(error)
        return (
            "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in text else "TLS does not work"
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"no connection within {CONNECT:g} s"
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {READ:g} s"
    text = str(error)
    if "NameResolutionError" in text or "getaddrinfo" in text:
        return "its name is not known"
    if "Connection refused" in text:
        return "connection refused"
    return clean(text.rsplit(": ", 1)[-1].strip("()'\" "), 120) or type(error).__name__


def hint_of(error: Exception) -> str | None:
    """What to do about it, where that is known."""
    if isinstance(error, requests.exceptions.SSLError):
        return "--ca FILE: the certificate of the authority that signed it; and is it https at all?"
    return None
