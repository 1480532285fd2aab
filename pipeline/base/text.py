"""Text as a person may safely read it, and counts, durations and names as a person would write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

__all__ = ["clean", "did_you_mean", "duration", "last_line", "plural", "printable", "reason_of", "redact"]

# CSI and OSC sequences go as a whole, so that "\x1b[31m" does not leave "[31m" behind.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


def clean(value: object, limit: int = 2000) -> str:
    """One printable line of at most `limit` characters, without escape sequences or control characters.

    >>> clean("a\\x1b[31mred\\x07\\nnext")
    'ared next'
    """
    text = _ESCAPES.sub("", str(value))
    text = re.sub(r"\s+", " ", text).strip()
    # Cc control, Cf format (bidirectional overrides, zero width), Cs lone surrogates, Co private use
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str, limit: int | None = None) -> str:
    """`text` with a space for each character that cannot be printed, cut off after `limit` characters.

    Keeps the length, unlike `clean`: what was a line break or an escape character is still seen as a gap.

    >>> printable("two\\nlines"), printable("too long", 3)
    ('two lines', 'too')
    """
    return "".join(char if char.isprintable() else " " for char in text)[:limit]


def last_line(text: str, default: str = "") -> str:
    """The last line of `text` that is not blank, without the spaces around it; `default` when there is none.

    >>> last_line("Warning: old key\\nPermission denied.\\n\\n"), last_line(" ", "no message")
    ('Permission denied.', 'no message')
    """
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), default)


def reason_of(error: BaseException) -> str:
    """Why an exception was raised, in a line that is never empty. Many have no text, such as those of asyncio.

    Without the number of an operating system's error, and without its path, which the sentence around it names.

    >>> reason_of(TimeoutError()), reason_of(OSError(28, "No space left on device", "/x")), reason_of(EOFError())
    ('no answer in time', 'No space left on device', 'the end came too early')
    >>> reason_of(ConnectionResetError()), reason_of(LookupError())
    ('the connection was closed', 'LookupError without a word')
    """
    if isinstance(inner := getattr(error, "reason", None), BaseException):  # as urllib wraps what it was
        return reason_of(inner)
    said = error.strerror if isinstance(error, OSError) else None
    try:
        said = clean(said or str(error), 300)
    except Exception:  # an exception's own __str__ may fail as well
        said = ""
    without_words = (word for kind, word in _WITHOUT_WORDS if isinstance(error, kind))
    return said or next(without_words, f"{type(error).__name__} without a word")


_WITHOUT_WORDS: Final = (
    (TimeoutError, "no answer in time"),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionError, "the connection was closed"),
    (EOFError, "the end came too early"),
    (MemoryError, "there is not enough memory"),
    (KeyboardInterrupt, "interrupted"),
)


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 request`, `3,000 requests`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds as `45 s`, `5 min`, `1 min 30 s`.

    >>> duration(90)
    '1 min 30 s'
    """
    if seconds < 60:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" + (f" {rest} s" if rest else "")


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`: did you mean 'NAME'?` with the nearest of `known` but `word` itself, compared in any case; empty without one.

    >>> did_you_mean("Latency", ["latency", "errors"]), did_you_mean("weight", ["weight"])
    (": did you mean 'latency'?", '')
    """
    others = {name.lower(): name for name in known if name != word}
    close = get_close_matches(word.lower(), others, 1, cutoff)
    return f": did you mean {printable(others[close[0]], 60)!r}?" if close else ""


def redact(url: str) -> str:
    """`url` as it may be shown: no password, no token, no query.

    >>> redact("https://me:secret@example.org/x.git?token=1")
    'https://***@example.org/x.git?***'
    """
    if "://" not in url:
        return url
    url = re.sub(r"[?#].*", "?***", url, flags=re.DOTALL)
    if url.startswith("ssh://"):
        return re.sub(r"^(ssh://[^/@:]*):[^/@]*@", r"\1@", url)
    return re.sub(r"^([^:/]+://)[^/]*@", r"\1***@", url)
