"""Prometheus' HTTP API: range queries, and values of now. https://prometheus.io/docs/prometheus/latest/querying/api/"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import requests
from numpy.typing import NDArray
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.base.text import clean
from pipeline.series.answers import incomplete, own_words, remarks, sign_in
from pipeline.series.refusals import CONNECT, READ, REFUSED, SIGN_IN_HINT, cause, hint_of, redirected

__all__ = [
    "LARGEST",
    "MOST_POINTS",
    "Answer",
    "BudgetError",
    "LabelledSeries",
    "Prometheus",
    "Value",
    "check_url",
]

Floats = NDArray[np.float64]

MOST_POINTS: Final = 11_000  # of one series in one answer: more is refused by Prometheus itself
LARGEST: Final = 64_000_000  # bytes of one answer, unpacked
# Who reads only, through a proxy that lets no POST through, may still read by GET.
_NO_POST: Final = (403, 405, 501)
# What was answered with "later" is asked again; a server that cannot be reached is told at once.
_AT_ONCE: Final[Mapping[str, Any]] = {"connect": 0, "read": 0, "redirect": 0, "other": 0}
_WAITS: Final = Retry(
    total=5,
    status=4,
    **_AT_ONCE,
    status_forcelist=(429, 503),
    allowed_methods=("POST", "GET"),
    raise_on_status=False,
    backoff_factor=0.5,
    backoff_max=10,
    respect_retry_after_header=True,
    retry_after_max=30,
)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSeries:
    """One series: its labels, the times of its samples (Unix seconds, ascending) and their values (NaN, Inf too)."""

    labels: Mapping[str, str]
    t: Floats
    value: Floats


@dataclass(frozen=True, slots=True)
class Value:
    """One series at one instant: its labels, that instant (Unix seconds), and its value."""

    labels: Mapping[str, str]
    t: float
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The series a query gave, in the server's order.

    `incomplete`: the server's words for why these are not all; `remarks`: what it says of the query besides.
    """

    series: tuple[LabelledSeries, ...]
    incomplete: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def check_url(url: str) -> str:
    """The server's address without a slash at its end. Raises UsageError, which never shows a password."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise UsageError("the address of a Prometheus is like https://prometheus.example:9090")
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "an address is no place for a password: others see it in the list of processes",
            hint="--credentials FILE, with one line: Basic USER:PASSWORD",
        )
    if parts.query or parts.fragment:
        raise UsageError("the address of a Prometheus has no ? and no #")
    return url.rstrip("/")


class BudgetError(UsageError):
    """As many questions have been asked as may be."""


class _Anonymous(AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Prometheus:
    """A server at `url`. `auth` adds the credentials to each request, `headers` are sent with each; `ca` is a PEM file
    of authorities to trust instead of the system's; `most` is how many questions it may be asked, a page of a long
    range each. A context manager.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        ca: Path | None = None,
        most: int | None = None,
    ) -> None:
        self.url = check_url(url)
        self.asked = 0
        self._most = most
        self._method = "POST"
        self._session = requests.Session()
        # What signs people in answers a program that wants JSON with 401 rather than with its page.
        self._session.headers["Accept"] = "application/json"
        # As bytes, so that a value of any alphabet is sent in UTF-8.
        self._session.headers.update({name: value.encode() for name, value in (headers or {}).items()})
        # Without one of its own, requests would look for a password in ~/.netrc and send that.
        self._session.auth = auth or _Anonymous()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_WAITS))
        if ca is not None and not ca.is_file():
            raise UsageError(f"--ca {ca}: there is no such file")
        self._verify = str(ca) if ca is not None else None

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def query_range(self, query: str, start: float, end: float, step: float) -> Answer:
        """The values of `query` at start, start + step ... up to `end` (Unix seconds; step in seconds).

        Long ranges are asked for in pages. Raises UsageError when the query is wrong or not allowed and
        EnvironmentError_ when the server does not answer as it should.
        """
        pages: dict[tuple[tuple[str, str], ...], list[LabelledSeries]] = {}
        missing, said = dict[str, None](), dict[str, None]()
        for first, last in _pages(start, end, step):
            form = {"start": f"{first:.3f}", "end": f"{last:.3f}", "step": f"{step:.3f}"}
            data = self._ask("query_range", query, form)
            for found in self._series(data):
                pages.setdefault(tuple(sorted(found.labels.items())), []).append(found)
            missing |= dict.fromkeys(incomplete(data))
            said |= dict.fromkeys(remarks(data))
        return Answer(tuple(_joined(parts) for parts in pages.values()), tuple(missing), tuple(said))

    def query(self, query: str) -> tuple[Value, ...]:
        """The values of `query` now, by the server's own clock. Raises as `query_range`."""
        data = self._ask("query", query, {})
        try:
            if data["data"]["resultType"] != "vector":
                raise ValueError
            return tuple(
                Value(
                    {str(name): str(value) for name, value in entry["metric"].items()},
                    float(entry["value"][0]),
                    float(entry["value"][1]),
                )
                for entry in data["data"]["result"]
                if "value" in entry  # one that holds a native histogram has none
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise EnvironmentError_(f"{self.url} gave values that are not as Prometheus' are") from None

    def _ask(self, api: str, query: str, times: Mapping[str, str]) -> Mapping[str, Any]:
        if self._most is not None and self.asked >= self._most:
            raise BudgetError(f"{self.url} has been asked {self.asked:,} questions, and no more are allowed")
        self.asked += 1
        form = {"query": query, **times}
        response, body = self._send(self._method, api, form)
        if self._method == "POST" and response.status_code in _NO_POST:
            again, answer = self._send("GET", api, form)
            if again.status_code not in (405, 501):
                response, body = again, answer
            if again.ok:
                self._method = "GET"
        return self._checked(response, body, query)

    def _send(self, method: str, api: str, form: Mapping[str, str]) -> tuple[requests.Response, bytes]:
        try:
            with self._session.request(
                method,
                f"{self.url}/api/v1/{api}",
                **{"data" if method == "POST" else "params": form},  # type: ignore[arg-type]
                timeout=(CONNECT, READ),
                verify=self._verify,
                allow_redirects=False,  # a form that is redirected arrives as an empty GET
                stream=True,
            ) as response:
                return response, self._body(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise EnvironmentError_(
                f"{self.url} cannot be asked: {cause(error)}", hint=hint_of(error)
            ) from None

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for part in response.iter_content(1 << 16):
            body += part
            if len(body) > LARGEST:
                raise UsageError(
                    f"{self.url}: the answer is larger than {LARGEST:,} bytes",
                    hint="let the query add series up: sum(...), or take a larger step",
                )
        return bytes(body)

    def _checked(self, response: requests.Response, body: bytes, query: str) -> Mapping[str, Any]:
        status = response.status_code
        words = own_words(body)
        said = f": {words}" if words else ""
        if status in REFUSED:
            what, hint = REFUSED[status]
            raise UsageError(f"{self.url} {what} ({status}){said}", hint=hint)
        if 300 <= status < 400:
            raise redirected(self.url, response.headers.get("Location", ""))
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, Mapping) or data.get("status") not in ("success", "error"):
            # A page for signing in is answered with 200 as well.
            if status == 200 and sign_in(f"//{words.replace(' ', '-')}"):
                raise UsageError(f"{self.url} answered with a page to sign in{said}", hint=SIGN_IN_HINT)
            raise EnvironmentError_(
                f"{self.url} answered {status}, but not as a Prometheus does{said}",
                hint="is this its address, and is it well? curl URL/-/ready",
            )
        if data["status"] == "error" or status != 200:
            reason = words or "no reason given"
            if status in (400, 422):
                raise UsageError(f"Prometheus refuses the query {clean(query, 200)}: {reason}")
            raise EnvironmentError_(f"{self.url} answered {status}: {reason}")
        return data

    def _series(self, data: Mapping[str, Any]) -> Iterator[LabelledSeries]:
        try:
            if data["data"]["resultType"] != "matrix":
                raise ValueError
            for entry in data["data"]["result"]:
                labels = {str(name): str(value) for name, value in entry["metric"].items()}
                if "values" not in entry and "histograms" in entry:
                    raise UsageError(
                        f"the series {labels} holds native histograms, not numbers",
                        hint="histogram_quantile(0.99, sum(rate(...)))",
                    )
                points = np.asarray([(float(t), float(value)) for t, value in entry["values"]]).reshape(-1, 2)
                yield LabelledSeries(labels, points[:, 0], points[:, 1])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise EnvironmentError_(f"{self.url} gave series that are not as Prometheus' are") from None


def _pages(start: float, end: float, step: float) -> Iterator[tuple[float, float]]:
    points = math.floor((end - start) / step + 1e-6) + 1
    for first in range(0, points, MOST_POINTS):
        last = min(first + MOST_POINTS, points) - 1
        yield start + first * step, start + last * step


def _joined(parts: Sequence[LabelledSeries]) -> LabelledSeries:
    t, value = (np.concatenate([getattr(part, name) for part in parts]) for name in ("t", "value"))
    order = np.argsort(t, kind="stable")
    return LabelledSeries(parts[0].labels, t[order], value[order])
