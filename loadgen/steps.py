"""Steps: requests that one user sends one after the other, with cookies and with values from earlier answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import CookieJar
from yarl import URL

from loadgen.capture import Capture
from loadgen.request import Request, as_written, own_host
from loadgen.result import Answer, Content
from loadgen.template import Template

__all__ = ["Session", "Steps"]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A sequence that is due as a whole: its first step by the clock, each other one when the one before is answered.

    Attributes:
        weight: How often it is begun, in parts of the sum of all weights.
        templates: The steps, in their order.
    """

    weight: float
    templates: Sequence[Template]

    @property
    def names(self) -> frozenset[str]:
        """The names of the values that its steps need and do not capture themselves."""
        captured = {capture.name for template in self.templates for capture in template.captures}
        return frozenset().union(*(template.names for template in self.templates)) - captured


class Session:
    """One user's way through the steps: the same values in all of them, and a cookie jar of its own."""

    __slots__ = ("_at", "_jar", "_row", "_templates")

    def __init__(self, steps: Steps, row: Mapping[str, str]) -> None:
        self._templates = steps.templates
        self._row = dict(row)
        self._at = 0
        self._jar: CookieJar | None = None

    def request(self) -> Request:
        """The step whose turn it is."""
        request = self._templates[self._at].filled(self._row)
        if self._jar is not None:
            cookies = self._jar.filter_cookies(_address(request)).values()
            if sent := "; ".join(f"{cookie.key}={cookie.coded_value}" for cookie in cookies):
                request.headers = _with_cookies(request.headers, sent)
        request.session = self
        return request

    def answered(self, asked: Request, answer: Answer) -> tuple[Answer, Request | None]:
        """What became of a step: its answer, wrong where nothing could be captured, and the step after it.

        There is none after the last one, nor after one that failed.
        """
        kind, content = asked.kind, answer.content
        if content is not None:
            answer = answer._replace(content=None)
        if answer.error or answer.status not in kind.expect_status or answer.body_ok is False:
            return answer, None
        for capture in self._templates[self._at].captures:
            value = None if content is None else capture.found(content)
            if value is None:
                return answer._replace(body_ok=False, why=_not_found(kind.name, capture)), None
            self._row[capture.name] = value
        self._at += 1
        if self._at == len(self._templates):
            return answer, None
        if content is not None:
            self._keep_cookies(asked, content)
        return answer, self.request()

    def _keep_cookies(self, asked: Request, content: Content) -> None:
        given = [value for name, value in content.headers if name.lower() == "set-cookie"]
        if not given:
            return
        address = _address(asked)
        if self._jar is None:
            # A cookie that is for TLS alone is sent without: what is asked here often has its TLS in front of it.
            self._jar = CookieJar(unsafe=True, quote_cookie=False, treat_as_secure_origin=address.origin())
        self._jar.update_cookies_from_headers(given, address)


def _address(request: Request) -> URL:
    """Where cookies are kept for it: the service is asked under its own name, wherever it is."""
    address = as_written(request.url)
    host = own_host(request.headers)
    if host is None:
        return address
    try:
        return URL(f"{address.scheme}://{host}").with_path(address.raw_path, encoded=True)
    except ValueError:
        return address


def _with_cookies(headers: tuple[tuple[str, str], ...], sent: str) -> tuple[tuple[str, str], ...]:
    """One header Cookie: what the step itself has, and then those of the jar."""
    own = [value for name, value in headers if name.lower() == "cookie"]
    others = [(name, value) for name, value in headers if name.lower() != "cookie"]
    return (*others, ("Cookie", "; ".join([*own, sent])))


def _not_found(name: str, capture: Capture) -> str:
    return f"{name}: {capture.source.text} was not found, which is captured as {capture.name}"
