"""Hides secrets: in URLs and queries wherever they stand, and the values known to be secret in whatever is shown."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import quote, unquote

__all__ = ["MASK", "forget", "hide", "looks_secret", "mask_query", "mask_urls", "masked_words", "remember"]

MASK: Final = "***"

_SECRET: Final = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|cookie|session|signature|^sig$|jwt|bearer|private|dsn",
    re.IGNORECASE,
)
# One slash as well: what a path makes of a URL.
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:/{1,2})([^\s\"'<>`]+)")
_USER: Final = re.compile(
    r"(?<![\w/:.@-])([\w.%+-]+):([^\s@/:\"'<>]+)@(?=[\w\[])"
)  # as MySQL's addresses have it
_PORT: Final = re.compile(r"\[[^\]]*\](:\d*)?|[^:]*(:\d*)?")  # a host with or without a port, and no password
# A value holds a `;` where no other pair follows it.
_PAIR: Final = re.compile(
    r"([?&;])([^=&;?#\s\"'<>]+)=[^&;#\s\"'<>`]*(?:;[^=&;#\s\"'<>`]*(?![^&;#\s\"'<>`]))*"
)
_WORD: Final = re.compile(r"([\w.-]+)=(\S+)")
# In a shell's line; a list that lost its indent becomes one with a dash between.
_OPTION: Final = re.compile(r"(?<!\S)(-{1,2}[\w-]+)(\s+(?:-\s+)?)([^\s-]\S*)")
_USER_INFO: Final = re.compile(r"(?:^|:/{1,2}|\s)[^\s:/@]*:([^\s@/][^\s@]*)@")

_LEAST: Final = 4  # characters: a shorter value stands in too many words to be looked for
_LEAST_UNSURE: Final = 6
_LEAST_LINE: Final = 12
# What settings mostly are: a word, a number, an address, a path. Looked for, they would only spoil a log.
_PLAIN: Final = re.compile(r"[A-Za-z]+|[\d.:,\s-]*|/.*|[A-Za-z.-]+:\d+")

_known: set[str] = set()


def looks_secret(name: str) -> bool:
    """Whether what is called so is probably a secret.

    >>> looks_secret("api_key"), looks_secret("X-Auth"), looks_secret("page")
    (True, True, False)
    """
    return _SECRET.search(unquote(name)) is not None


def remember(value: str, *, sure: bool) -> None:
    """`hide` replaces this value from now on; one that is not `sure` to be a secret only if it looks like one."""
    for password in _USER_INFO.findall(value):
        if len(password) >= _LEAST:
            _known.update(_spellings(password))
    if len(value) >= _LEAST if sure else len(value) >= _LEAST_UNSURE and not _PLAIN.fullmatch(value):
        lines = [
            line for line in value.splitlines() if len(line) >= _LEAST_LINE
        ]  # a log is read line by line
        for spelt in (value, *lines):
            _known.update(_spellings(spelt))


def forget() -> None:
    """Forget all that was remembered, where one process reads the files of many."""
    _known.clear()


def _spellings(value: str) -> tuple[str, ...]:
    """A value as it stands in a URL, in JSON and in Python as well."""
    return value, quote(value, safe=""), quote(value), json.dumps(value)[1:-1], repr(value)[1:-1]


def hide(text: str) -> str:
    """`text` without the values that are known to be secret, and without the secrets of its URLs."""
    for value in sorted(_known, key=len, reverse=True):  # one that holds another goes first
        if value in text:
            text = text.replace(value, MASK)
    return mask_urls(text)


def mask_urls(text: str) -> str:
    """`text` with user and password of its URLs masked, and the values of queries whose key looks secret.

    >>> mask_urls("at https://me:pw@db.example/x?api_key=1&page=2")
    'at https://***@db.example/x?api_key=***&page=2'
    """
    if ":" in text:
        text = _USER.sub(f"{MASK}@", _URL.sub(_without_user, text))
    return _PAIR.sub(_without_value, text)


def _without_user(match: re.Match[str]) -> str:
    scheme, rest = match[1], match[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        user, _, host = authority.rpartition("@")
        shown = user if scheme.lower().endswith("ssh://") and ":" not in user else MASK
        return f"{scheme}{shown}@{host}{rest[len(authority) :]}"
    if not _PORT.fullmatch(authority):  # a password with a slash in it, or a URL that was cut off
        host = rest.rpartition("@")[2] if "@" in rest else ""
        return f"{scheme}{MASK}@{host}" if host else f"{scheme}{MASK}"
    return match[0]


def _without_value(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}={MASK}" if looks_secret(match[2]) else match[0]


def mask_query(query: str) -> str:
    """A query, or a form, without its first `?`.

    >>> mask_query("api_key=s&page=2")
    'api_key=***&page=2'
    """
    return mask_urls(f"?{query}")[1:]


def masked_words(words: list[str]) -> list[str]:
    """A command's words: what follows an option, or is given to a variable, that looks secret is masked."""
    shown, before = [], ""
    for word in words:
        option = before.startswith("-") and "=" not in before and looks_secret(before)
        shown.append(MASK if option and not word.startswith("-") else _without_options(mask_urls(word)))
        before = (word.split() or [""])[-1]
    return shown


def _without_options(word: str) -> str:
    word = _OPTION.sub(lambda m: f"{m[1]}{m[2]}{MASK}" if looks_secret(m[1]) else m[0], word)
    return _WORD.sub(_without_word, word)


def _without_word(match: re.Match[str]) -> str:
    return f"{match[1]}={MASK}" if looks_secret(match[1]) else match[0]
