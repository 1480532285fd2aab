"""What is asked of a service, and what is a right answer: the parts of a profile that say so."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    model_validator,
)

from pipeline.base.yamlfile import matching

__all__ = [
    "Entry",
    "Expect",
    "Health",
    "Line",
    "MixedRequest",
    "NamedRequest",
    "Part",
    "Request",
    "Route",
    "Sequence",
    "Step",
]

_FROM_BODY: Final = ("content-length", "transfer-encoding")


def _check_regex(text: str) -> str:
    try:
        with warnings.catch_warnings():
            # That `[[` may mean another thing in some later Python is nothing to tell now.
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(text.encode(), re.DOTALL)  # as the loader does
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _check_method(text: str) -> str:
    if text == "CONNECT":
        raise ValueError("CONNECT is not a request that can be sent")
    return text


# All that RFC 3986 (3.3) allows in a path.
_Path = Annotated[
    str,
    matching(
        r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*",
        "a path such as /preview (a space is %20, what follows a ? goes into query)",
    ),
]
# As _Path, with {{name}} where a value is filled in.
_FilledPath = Annotated[
    str,
    matching(
        r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}|\{\{[^{}?#\x00-\x1f]+\}\})*",
        "a path such as /items/{{id}} (a space is %20, what follows a ? goes into query)",
    ),
]
_FilledQuery = Annotated[
    str,
    matching(
        r"(?:[\x21\x22\x24-\x7e]|\{\{[^{}#\x00-\x1f]+\}\})*",
        "a query: no spaces (use %20), no #",
        shown=False,
    ),
]
_Method = Annotated[str, matching(r"[A-Z]+", "a method such as GET or POST"), AfterValidator(_check_method)]
Line = Annotated[str, matching(r"[^\x00-\x1f\x7f]*", "one line of text", shown=False)]
_HeaderName = Annotated[str, matching(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "a header's name", shown=False)]


class Part(BaseModel):
    """A part of a profile: it never changes, and has no keys of its own making."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(Part):
    """The one request that is sent, to `path` at the proxy: the public path, which `routes` translate.

    Either `body` (text) or `json` (`json_body` here), or neither. `query` is what follows the `?`, encoded.
    """

    method: _Method = "GET"
    path: _Path
    query: Annotated[
        str, matching(r"[\x21\x22\x24-\x7e]*", "a query: no spaces (use %20), no #", shown=False)
    ] = ""
    headers: Mapping[_HeaderName, Line] = Field(default_factory=dict)
    body: str | None = None
    json_body: JsonValue = Field(default=None, alias="json")

    @model_validator(mode="after")
    def _check_body(self) -> Request:
        if self.body is not None and self.json_body is not None:
            raise ValueError("give body or json, not both")
        if wrong := [name for name in self.headers if name.lower() in _FROM_BODY]:
            raise ValueError(f"the header {wrong[0]} follows from the body and cannot be given")
        if self.json_body is not None and not any(name.lower() == "content-type" for name in self.headers):
            headers = {**self.headers, "Content-Type": "application/json"}
            object.__setattr__(self, "headers", headers)  # the model is frozen for its users, not for itself
        return self

    def content(self) -> bytes:
        """The body's bytes; empty when there is none."""
        if self.json_body is not None:
            return json.dumps(self.json_body, ensure_ascii=False).encode()
        return (self.body or "").encode(
            "utf-8", "surrogateescape"
        )  # a mix's may come from a file of any bytes

    def target(self, path: str | None = None) -> str:
        """`path` (default: the public one) with the query: what stands in the request line."""
        return f"{path or self.path}?{self.query}" if self.query else path or self.path


class Route(Part):
    """A path that means the public path on an instance. `method` None: the request's own."""

    path: _Path
    method: _Method | None = None


def _one_or_more(given: Any) -> Any:
    return given if isinstance(given, list | tuple) else (given,)


_Statuses = Annotated[
    tuple[Annotated[int, Field(ge=200, le=599)], ...], BeforeValidator(_one_or_more), Field(min_length=1)
]


class Health(Part):
    """A path that says, asked with GET, whether the service is ready; `status` as in Expect."""

    path: _Path
    status: _Statuses = (200,)


class Expect(Part):
    """A right answer: its status (one, or a list), and a pattern searched in its body (`.` matches newlines)."""

    status: _Statuses = (200,)
    body_regex: Annotated[str, AfterValidator(_check_regex)] | None = None


class NamedRequest(Request):
    """A request beside others: `{{name}}` in it stands for one of the profile's `values`, another one for each.

    `body_file` is beside the profile. Without `expect` the profile's own holds.
    """

    name: Annotated[
        str,
        matching(
            r"[A-Za-z0-9](?:[A-Za-z0-9 ._/-]{0,38}[A-Za-z0-9._/-])?",
            "a name: up to 40 letters, digits, spaces and . _ / -",
        ),
    ]
    path: _FilledPath
    query: _FilledQuery = ""
    body_file: Annotated[str, matching(r"[^\x00-\x1f\x7f]+", "the path of a file")] | None = None
    expect: Expect | None = None


_Weight = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class MixedRequest(NamedRequest):
    """One of several requests. `weight` is how often it is sent, in parts of the sum of all weights."""

    weight: _Weight = 1.0


class Step(NamedRequest):
    """A request of a sequence; `capture` is what later ones fill in of its answer, which the loader's reader checks."""

    capture: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)


class Sequence(Part):
    """Requests that one user sends one after the other; `weight` as of a request, and for the whole of them."""

    weight: _Weight = 1.0
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


def _kind(given: Any) -> str:
    has_steps = "steps" in given if isinstance(given, Mapping) else isinstance(given, Sequence)
    return "sequence" if has_steps else "one"


Entry = Annotated[
    Annotated[MixedRequest, Tag("one")] | Annotated[Sequence, Tag("sequence")], Discriminator(_kind)
]
