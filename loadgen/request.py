"""One request, and the bytes of it: what is the same each time is made once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from yarl import URL

if TYPE_CHECKING:
    from loadgen.steps import Session

__all__ = ["PLAIN", "USER_AGENT", "Kind", "Request", "as_written", "own_host", "request_bytes"]

USER_AGENT = "pipeline-loadgen"

_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "TRACE")  # these say no length where they carry nothing
_LINE_END = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What requests of one name have in common.

    Attributes:
        name: What they are called; empty where a plan has no others.
        method: HTTP method.
        expect_status: The right statuses; the bodies of these are checked.
        body_regex: Searched in those bodies; None: nothing is checked.
        brings_headers: Whether a right answer has its headers with it (`Answer.content`).
        brings_body: Whether it has its body with it as well.
    """

    name: str = ""
    method: str = "GET"
    expect_status: tuple[int, ...] = (200,)
    body_regex: re.Pattern[bytes] | None = None
    brings_headers: bool = False
    brings_body: bool = False


PLAIN = Kind()


class Request:
    """One request as it is sent, to the address `url`; `kind` is what it has in common with others.

    `session` is whose step it is; None of a request by itself.
    """

    __slots__ = ("_raw", "body", "headers", "kind", "session", "url")

    def __init__(
        self, kind: Kind, url: str, headers: tuple[tuple[str, str], ...] = (), body: bytes | None = None
    ) -> None:
        self.kind = kind
        self.url = url
        self.headers = headers
        self.body = body
        self.session: Session | None = None
        self._raw = b""

    @property
    def method(self) -> str:
        return self.kind.method

    @property
    def raw(self) -> bytes:
        """Its bytes."""
        if not self._raw:
            self._raw = request_bytes(self)
        return self._raw


class _Sent(Protocol):
    @property
    def method(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...

    @property
    def body(self) -> bytes | None: ...


def request_bytes(sent: _Sent) -> bytes:
    """What is sent: the headers as they are given, and besides them only what a request must have.

    >>> request_bytes(Request(Kind(), "http://h/a?b", (("X-Tag", "1"),)))
    b'GET /a?b HTTP/1.1\\r\\nHost: h\\r\\nX-Tag: 1\\r\\nUser-Agent: pipeline-loadgen\\r\\nAccept: */*\\r\\n\\r\\n'
    """
    origin, target = _divided(sent.url)
    given = {name.lower() for name, _ in sent.headers}
    lines = [f"{sent.method} {target} HTTP/1.1"]
    host = own_host(sent.headers)
    lines.append(f"Host: {_host(origin) if host is None else host}")
    lines += [f"{name}: {value}" for name, value in sent.headers if name.lower() != "host"]
    if "user-agent" not in given:
        lines.append(f"User-Agent: {USER_AGENT}")
    if "accept" not in given:
        lines.append("Accept: */*")
    if sent.body is not None or sent.method not in _WITHOUT_BODY:
        lines.append(f"Content-Length: {len(sent.body or b'')}")
    if any(_LINE_END.search(line) for line in lines):
        raise ValueError("a line of the request holds the end of a line")
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + (sent.body or b"")


def own_host(headers: Sequence[tuple[str, str]]) -> str | None:
    """The value of the header Host, where one is given."""
    return next((value for name, value in headers if name.lower() == "host"), None)


def as_written(url: str) -> URL:
    """The address with path and query byte for byte as they are written: yarl would write `%7E` and `..` its own way.

    >>> as_written("http://h/a%7Eb/../%3a?").raw_path_qs
    '/a%7Eb/../%3a?'
    """
    origin, target = _divided(url)
    return _origin(origin).with_path(target, encoded=True)


def _divided(url: str) -> tuple[str, str]:
    """Scheme and host; path and query."""
    scheme, _, after = url.partition("://")
    after = after.partition("#")[0]
    start = min((at for at in map(after.find, "/?") if at >= 0), default=len(after))
    target = after[start:]
    return f"{scheme}://{after[:start]}", target if target.startswith("/") else f"/{target}"


@lru_cache(maxsize=16)
def _origin(origin: str) -> URL:
    return URL(origin).origin()


@lru_cache(maxsize=16)
def _host(origin: str) -> str:
    """What the header Host says."""
    url = _origin(origin)
    host = "" if url.host_subcomponent is None else url.host_subcomponent
    return host if url.is_default_port() else f"{host}:{url.port}"
