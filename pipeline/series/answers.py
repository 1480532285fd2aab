"""What a server says beside the numbers: that its answer is incomplete, what it remarks, and its own words.

VictoriaMetrics says `isPartial`. Thanos, Mimir and Prometheus' own remote reads put what they could not read into
`warnings`, where Prometheus also puts remarks on the query itself, that no sample is missing for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.base.text import clean

__all__ = ["incomplete", "own_words", "remarks", "sign_in"]

_LONGEST: Final = 300
# Remarks of PromQL's engine on a query whose answer is all there; each begins so. Every other warning is taken to say
# that something is missing.
_HARMLESS: Final = (
    "metric might not be a counter",
    "input to histogram_quantile needed to be fixed for monotonicity",
    "quantile value should be between 0 and 1",
    "ratio value should be between -1 and 1",
    "range too short; does not contain enough samples to extrapolate rate",
)
# Of what comes as an info, and so is harmless, these leave samples out.
_LEFT_OUT: Final = ("ignored histogram", "incompatible sample types")
_PROMQL: Final = re.compile(r"PromQL (?:info|warning): ")
# Where in the query it is: the same remark on both versions differs in that alone.
_PLACE: Final = re.compile(r"\s*\(\d+:\d+\)$")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_UNSEEN: Final = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_SIGN_IN: Final = re.compile(
    r"log[-_]?in|sign[-_]?in|\bsso\b|oauth|openid|saml|\bdex\b|authori[sz]e|accounts?\.|\bauth\b",
    re.IGNORECASE,
)


def incomplete(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The server's own words for why something is missing in its answer; () where it says nothing of the kind."""
    found = []
    for part in _parts(answer):
        said = part.get("isPartial")
        if said not in (None, False, "false", 0):
            found.append(f'"isPartial": {json.dumps(said)}')
    found += [text for text in _texts(answer, "warnings") if not _begins(text, _HARMLESS)]
    found += [text for text in _texts(answer, "infos") if _begins(text, _LEFT_OUT)]
    return tuple(dict.fromkeys(clean(text, _LONGEST) for text in found))


def remarks(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """What the server remarks on the query though its answer is all there; each once, without its place."""
    found = [text for text in _texts(answer, "warnings") if _begins(text, _HARMLESS)]
    found += [text for text in _texts(answer, "infos") if not _begins(text, _LEFT_OUT)]
    return tuple(dict.fromkeys(_PLACE.sub("", clean(text, _LONGEST)) for text in found))


def _parts(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The answer, and its data: servers differ in where they say it."""
    yield answer
    if isinstance(data := answer.get("data"), Mapping):
        yield data


def _texts(answer: Mapping[str, Any], key: str) -> Iterator[str]:
    for part in _parts(answer):
        value = part.get(key)
        if isinstance(value, list):
            yield from (text if isinstance(text, str) else json.dumps(text) for text in value)
        elif value:  # of no form that is known, so nobody knows that it is harmless
            yield value if isinstance(value, str) else json.dumps(value)


def _begins(text: str, words: tuple[str, ...]) -> bool:
    return _PROMQL.sub("", text, count=1).startswith(words)


def own_words(body: bytes) -> str:
    """What a refusal says in its body: an API's error, a page's title, or its text; "" where it says nothing."""
    text = body[:20_000].decode("utf-8", "replace")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, Mapping):
        found = (data.get(key) for key in ("error", "message", "error_description"))
        return clean(next((one for one in found if isinstance(one, str) and one), ""), _LONGEST)
    if title := _TITLE.search(text):
        return clean(unescape(title[1]), 120)
    return clean(unescape(_UNSEEN.sub(" ", text)), 120)


def sign_in(address: str) -> bool:
    """Whether an address that one is sent to is a page for signing in, by its host and path."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(_SIGN_IN.search(f"{parts.netloc}{parts.path}"))
