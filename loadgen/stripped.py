"""What of a recorded request may be sent again: no host, and no secret that can be told by its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

__all__ = ["KEPT_HEADERS", "body", "is_secret", "target"]

# All others stay away: cookies, credentials, and whatever says where somebody came from.
KEPT_HEADERS: Final = ("accept", "accept-language", "content-type")
_SECRET: Final = re.compile(
    r"(^|[-_.\[])(key|sig|sid|code|otp|pin|jwt|pwd|auth|csrf)($|[-_.\]])"
    r"|token|secret|passw|passphrase|api.?key|signature|credential|session|authorization",
    re.IGNORECASE,
)
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_NOT_SENT: Final = re.compile(r"[^\x21-\x7e]")


def is_secret(name: str) -> bool:
    """Whether a value of this name may be one.

    >>> is_secret("access_token"), is_secret("X-Amz-Signature"), is_secret("page"), is_secret("keyword")
    (True, True, False, False)
    """
    return _SECRET.search(name) is not None


def target(url: str) -> str:
    """Path and query of a recorded address, without scheme, user and host; values of secrets are empty.

    >>> target("https://ann:pw@shop.example/a?q=1&token=abc#top"), target("/b?sid"), target("*")
    ('/a?q=1&token=', '/b?sid', '')
    """
    path, _, query = _ORIGIN.sub("", url, count=1).partition("#")[0].partition("?")
    if not path.startswith("/"):
        if path or not _ORIGIN.match(url):
            return ""  # OPTIONS * or the like
        path = "/"
    found = f"{path}?{_fields(query)}" if query else path
    return _NOT_SENT.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), found)


def body(text: str, kind: str) -> str:
    """A recorded body of this content type; values of secrets are empty.

    >>> body('{"user": {"name": "ann", "password": "pw"}}', "application/json")
    '{"user": {"name": "ann", "password": ""}}'
    """
    if "x-www-form-urlencoded" in kind:
        return _fields(text)
    if "json" in kind:
        try:
            return json.dumps(_emptied(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
    return text


def _fields(query: str) -> str:
    def emptied(fields: Iterable[str]) -> Iterable[str]:
        for field in fields:
            name, equals, _ = field.partition("=")
            yield f"{name}=" if equals and is_secret(name) else field

    return "&".join(emptied(query.split("&")))


def _emptied(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "" if is_secret(name) and not isinstance(each, dict | list) else _emptied(each)
            for name, each in value.items()
        }
    return [_emptied(each) for each in value] if isinstance(value, list) else value
