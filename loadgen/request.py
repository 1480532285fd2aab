"""The bytes of a plan's request: the same each time, so made once."""

from __future__ import annotations

import re

from yarl import URL

from loadgen.plan import Plan

__all__ = ["USER_AGENT", "as_written", "request_bytes"]

USER_AGENT = "pipeline-loadgen"

_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "TRACE")  # these say no length where they carry nothing
_LINE_END = re.compile(r"[\r\n\0]")


def request_bytes(plan: Plan) -> bytes:
    """What is sent: the headers as they are given, and besides them only what a request must have.

    >>> request_bytes(Plan("http://h/a?b", 1, 1, headers=(("X-Tag", "1"),)))
    b'GET /a?b HTTP/1.1\\r\\nHost: h\\r\\nX-Tag: 1\\r\\nUser-Agent: pipeline-loadgen\\r\\nAccept: */*\\r\\n\\r\\n'
    """
    url = as_written(plan.url)
    given = {name.lower() for name, _ in plan.headers}
    host = "" if url.host_subcomponent is None else url.host_subcomponent
    lines = [f"{plan.method} {url.raw_path_qs} HTTP/1.1"]
    own_host = [value for name, value in plan.headers if name.lower() == "host"]
    lines.append(
        f"Host: {own_host[0] if own_host else host if url.is_default_port() else f'{host}:{url.port}'}"
    )
    lines += [f"{name}: {value}" for name, value in plan.headers if name.lower() != "host"]
    if "user-agent" not in given:
        lines.append(f"User-Agent: {USER_AGENT}")
    if "accept" not in given:
        lines.append("Accept: */*")
    if plan.body is not None or plan.method not in _WITHOUT_BODY:
        lines.append(f"Content-Length: {len(plan.body or b'')}")
    if any(_LINE_END.search(line) for line in lines):
        raise ValueError("a line of the request holds the end of a line")
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + (plan.body or b"")


def as_written(url: str) -> URL:
    """The address with path and query byte for byte as they are written: yarl would write `%7E` and `..` its own way.

    >>> as_written("http://h/a%7Eb/../%3a?").raw_path_qs
    '/a%7Eb/../%3a?'
    """
    after = url.partition("://")[2].partition("#")[0]
    start = min((at for at in map(after.find, "/?") if at >= 0), default=len(after))
    target = after[start:]
    return URL(url).origin().with_path(target if target.startswith("/") else f"/{target}", encoded=True)
